"""Training.

===============  =======================================================================
``regression``   the plainest method: make a pixel loss small; a method is a step
``loop``         what all methods share: progress, log, checkpoints, resume
``checkpoints``  files that are whole or not there
``precision``    which numbers a device computes fastest in
``data``         collections of photographs to learn from, without leaks
``recipes``      named ways to train the book's networks
===============  =======================================================================
"""
