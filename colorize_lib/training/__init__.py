"""Training, to be read in this order.

``recipes`` say what to train, ``train`` follows one stage after stage, ``loop`` repeats
a method's step and keeps what a run needs to go on. A method is one step:
``regression``, ``classification``, ``pix2pix`` or ``wgan_gp``; each moves its networks
by a ``learner``. Beside them: ``distributed`` for several GPUs, ``reports`` for what an
epoch shows.
"""
