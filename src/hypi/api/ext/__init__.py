"""Configuration of the extensions that ship with the runtime."""
