"""fastai's DynamicUnet, wrapped to be compared with the book's own U-Nets.

Other tutorials build their generator so. fastai is imported only when it is called.
Taught in chapter 5.
"""

from torch import nn

from colorize_lib.models.pretrained import torchvision_network


def dynamic_unet(*, pretrained: bool = False, size: int = 256) -> nn.Module:
    """A ResNet18 U-Net of 31,099,672 parameters: l ``(B, 1, H, W)`` to ab, 2 channels.

    Unlike the book's colorizers it ends without tanh: its ab is unbounded. Odd sizes
    work. Nor is l shown to ResNet18 as in its own training: fastai replaces the
    first convolution by one of a single channel, whose kernels are the SUMS of the
    pretrained ones over R, G and B, and feeds it l itself, neither turned to sRGB gray
    nor normalized. The maps that come out are not the pretrained network's.

    Args:
        pretrained: begin with ImageNet weights. They must come with the network:
            fastai's ``create_body(resnet18(), pretrained=True)`` loads none, it only
            treats the random kernels that it is given as if they were.
        size: pixels of the square on which fastai works out the layers.

    Raises:
        ModuleNotFoundError: fastai is not installed.
        WeightsUnavailableError: see :func:`.torchvision_network`.
    """
    try:
        from fastai.vision.learner import create_body
        from fastai.vision.models.unet import DynamicUnet
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "DynamicUnet comes from fastai: pip install fastai, or take resnet18_unet()"
        ) from error
    resnet = torchvision_network("resnet18", pretrained=pretrained)
    body = create_body(resnet, n_in=1, pretrained=pretrained, cut=-2)
    unet = DynamicUnet(body, 2, (size, size))
    # The last layer only wraps the answer in fastai's own class of tensors.
    unet.layers = unet.layers[:-1]
    return unet
