"""The command line that turns bags into episodes and back."""

import cv2
import numpy as np
import pytest

from vla_ros.data.bag_reader import BagReader
from vla_ros.tools import episode


@pytest.fixture
def lab(tmp_path):
    """Return a folder of another lab: one view, two images."""
    folder = tmp_path / "lab" / "images" / "left"
    folder.mkdir(parents=True)
    for number in range(2):
        cv2.imwrite(str(folder / f"{number}.jpg"), np.full((8, 8, 3), 90 * number, np.uint8))
    return tmp_path / "lab"


def test_it_converts_both_ways_and_says_what_it_supposed(lab, tmp_path, capsys):
    assert episode.main([str(lab), str(tmp_path / "run" / "bag")]) == 0
    said = capsys.readouterr()
    assert said.out == f"{tmp_path / 'run' / 'bag'}\n"
    assert said.err == "note: lab: left's images tell no time: supposed to be 10 Hz\n"
    with BagReader(tmp_path / "run" / "bag") as bag:
        assert bag.counts == {"/left/image_raw/compressed": 2}
    assert episode.main([str(tmp_path / "run"), str(tmp_path / "out")]) == 0  # a run's folder
    images = sorted((tmp_path / "out" / "episode_000" / "images" / "left").iterdir())
    assert [path.name for path in images] == ["1000000000.jpg", "1100000000.jpg"]
    assert images[0].read_bytes() == (lab / "images" / "left" / "0.jpg").read_bytes()


def test_errors_are_one_line(lab, tmp_path, capsys):
    assert episode.main([str(tmp_path / "nowhere"), str(tmp_path / "out")]) == 1
    assert capsys.readouterr().err == f"episode: there is no bag at {tmp_path / 'nowhere'}\n"
    assert episode.main([str(lab), str(lab)]) == 1
    assert "exists already" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        episode.main([str(lab)])
    assert ended.value.code == 2


def test_an_interruption_leaves_nothing(lab, tmp_path, capsys, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(episode, "import_episodes", interrupted)
    assert episode.main([str(lab), str(tmp_path / "bag")]) == 130
    assert "interrupted" in capsys.readouterr().err
    assert not (tmp_path / "bag").exists()
