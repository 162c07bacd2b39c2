"""The OCR APIs: what each one takes and answers, and which of them reads a document."""
