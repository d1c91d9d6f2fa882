"""What chat means: who may do what, what is stored, who is told. No sockets, no clock, no dice.

The exception is `__main__`, which wires the core to the broker and to the machine.
"""
