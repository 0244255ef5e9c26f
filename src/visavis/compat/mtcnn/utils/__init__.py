"""Other functions of ``mtcnn`` 1.0 that scripts call."""
