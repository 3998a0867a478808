from pathlib import Path

from tumorlens.card import Card
from tumorlens.lab.checkpoint import SNAPSHOT, save_checkpoint
from tumorlens.lab.config import parse_config
from tumorlens.lab.export import export_model
from tumorlens.lab.member_weights import snapshot_models
from tumorlens.lab.networks import build_network
from tumorlens.lab.run_record import MODEL, RUN_FILE
from tumorlens.labels import CLASSES
from tumorlens.preparation import Preparation


def test_snapshots_stand_in_the_order_of_their_cycles(tmp_path: Path) -> None:
    run = tmp_path / "run"
    network = build_network("custom_cnn", classes=4).eval()
    export_model(
        network,
        Card("made", "0", CLASSES, Preparation(size=32), 1.0, "", "custom_cnn"),
        run / MODEL,
    )
    settings = parse_config({"network": {"name": "custom_cnn"}}).model_dump_json()
    (run / RUN_FILE).write_text(f'{{"config": {settings}}}')
    for cycle in (1, 2, 10):
        save_checkpoint(run / SNAPSHOT.format(cycle), network, None, {})
    found = snapshot_models([run], tmp_path)
    names = [(folder / "card.json").read_text().split('"name": "')[1] for folder in found]
    assert [name.split('"')[0] for name in names] == [f"made snapshot_{n}" for n in (1, 2, 10)]
