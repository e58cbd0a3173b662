"""What applications use: validated create infos, the application file, and the command line."""
