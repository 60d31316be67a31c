"""What people see and set of budgets: pages, REST doors, and the words both use."""
