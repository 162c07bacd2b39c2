"""Who is told that a document ended, what is said, and the tries until it has arrived."""
