"""Who is told that a document ended, what the notice says, and the tries until it has arrived."""
