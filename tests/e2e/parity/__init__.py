"""What the templates and the Terraform modules of infra/ deploy, in one form, so that both can be compared."""
