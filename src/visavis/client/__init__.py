"""A client of a visavis server: the calls of the library, answered by another machine."""

from visavis.client.client import Client as Client
