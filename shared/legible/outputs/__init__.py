"""A record becomes files: JSON, Markdown, CSV, Parquet, PDF, workbooks. Nothing here reads or writes a bucket."""
