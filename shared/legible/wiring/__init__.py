"""Adapters meet use cases: the objects that one request needs, built once."""
