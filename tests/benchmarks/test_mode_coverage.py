"""The mode coverage command end to end at a tiny size, how it goes on, and its table."""

import json

import pytest

from benchmarks import drawings, mode_coverage

TINY = ["--seeds", "2", "--steps", "20", "--batch-size", "16"]


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(mode_coverage, "CHUNK", 10)
    monkeypatch.setattr(mode_coverage, "SAMPLES", 50)


@pytest.mark.slow
def test_end_to_end_and_on_from_where_it_was(tmp_path, capsys):
    out = ["--out", str(tmp_path / "result.json")]
    mode_coverage.main([*TINY, *out, "--sets", "ring8", "--methods", "PacGAN2"])
    first = json.loads((tmp_path / "result.json").read_text())
    found = first["sets"]["ring8"]["PacGAN2"]
    assert found["config"]["pack"] == 2
    for which in ("last", "averaged"):
        assert len(found[which]["modes"]["seeds"]) == 2
        assert 0 <= found[which]["high_quality"]["mean"] <= 1
        assert 0 <= found[which]["modes"]["mean"] <= 8
    mode_coverage.main([*TINY, *out, "--sets", "ring8", "--methods", "PacGAN2", "non-saturating"])
    again = json.loads((tmp_path / "result.json").read_text())
    assert again["sets"]["ring8"]["PacGAN2"] == found
    assert set(again["sets"]["ring8"]) == {"PacGAN2", "non-saturating"}
    table = drawings.mode_coverage(again)
    assert "| PacGAN2 |" in table
    assert "7.9" in table
    assert "2 seeds, 20 steps of 16" in table
    with pytest.raises(ValueError, match="other options"):
        mode_coverage.main([*TINY, *out, "--seed", "1"])


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--methods", "PacGAN3"], "--methods must be among non-saturating, WGAN-GP, PacGAN2, .* found 'PacGAN3'"),
        (["--seeds", "0"], "--seeds must be at least 1, found 0"),
        (["--steps", "15"], "--steps must be a multiple of 10, found 15"),
        (["--steps", "0"], "--steps must be a multiple of 10, found 0"),
    ],
)
def test_bad_flags(flags, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        mode_coverage.main([*flags, "--out", str(tmp_path / "result.json")])
    assert not (tmp_path / "result.json").exists()
