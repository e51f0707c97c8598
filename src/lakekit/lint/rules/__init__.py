"""lakekit's own rules, a module a family."""
