"""What makes a deployment: the package, and beside it Terraform and workflows."""
