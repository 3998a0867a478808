from tumorlens.lab.timm_import import timm


def test_timm_builds_a_network() -> None:
    assert timm.create_model("tf_efficientnet_lite0", pretrained=False).num_features == 1280
