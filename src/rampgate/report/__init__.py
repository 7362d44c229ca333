"""What people see of a decision."""
