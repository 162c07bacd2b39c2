"""Beside a deployment: what the Serverless Framework made, and what is left after one was taken down."""
