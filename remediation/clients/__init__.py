"""Clients of APIs. Only this package imports kubernetes, google.* and grpc."""
