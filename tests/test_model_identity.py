import json

from tumorlens.card import read_card
from tumorlens.model import DEFAULT_FOLDER, WHOLE_TUMOR_FOLDER
from tumorlens.model_identity import ModelIdentity
from tumorlens.volume_outlining.card import read_volume_card


def test_every_bundled_card_says_which_model_it_is() -> None:
    for card in (read_card(DEFAULT_FOLDER), read_volume_card(WHOLE_TUMOR_FOLDER)):
        assert card.identity == ModelIdentity(card.name, card.version, card.sha256)
        told = card.identity.to_json()
        assert ModelIdentity(**json.loads(json.dumps(told))) == card.identity
