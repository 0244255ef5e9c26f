"""Functions beside the detector that scripts of ``mtcnn`` 1.0 call."""
