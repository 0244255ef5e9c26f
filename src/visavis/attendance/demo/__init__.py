"""A sample site: made-up employees, rules and three months of punches with what goes wrong at real sites."""
