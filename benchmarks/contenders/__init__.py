"""What is measured side by side: one module a program, each in a process of its own."""
