"""The use cases: what happens to an event, a document, or a step of a workflow."""
