"""The server: REST, and the interfaces of CompreFace and DeepStack, on the same library.

``app`` makes the application of a :class:`visavis.server.config.ServerConfig`; ``run`` serves it. Each file of
``resources`` holds the requests of one kind; each file of ``compat`` answers the requests of another server's clients.
"""
