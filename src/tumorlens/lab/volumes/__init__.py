"""Train networks that outline the regions of a tumor in whole heads (BraTS), with MONAI."""
