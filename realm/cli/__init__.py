"""The commands of a realm's operator. With `__main__` the only code of the realm that knows the broker."""
