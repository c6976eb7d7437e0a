"""The environment of the other methods: made when it is not what requirements.txt says, and entered once."""

import pathlib
import sys

import environment
import pytest


@pytest.fixture
def commands(monkeypatch, tmp_path):
    """What is run instead of being run; the interpreter then is there."""
    ran = []

    def run(command, check):
        ran.append(command[1:4])
        python = tmp_path / "venv" / "bin" / "python"
        python.parent.mkdir(parents=True, exist_ok=True)
        python.touch()

    monkeypatch.setattr(environment.subprocess, "run", run)
    monkeypatch.setattr(environment, "REQUIREMENTS", tmp_path / "requirements.txt")
    (tmp_path / "requirements.txt").write_text("numpy==1\n")
    return ran


def test_it_is_installed_once_and_again_when_the_requirements_change(commands, tmp_path):
    for expected in (2, 2):
        assert environment.make(tmp_path / "venv") == tmp_path / "venv" / "bin" / "python"
        assert len(commands) == expected
    assert commands == [["-m", "venv", str(tmp_path / "venv")], ["-m", "pip", "install"]]
    (tmp_path / "requirements.txt").write_text("numpy==2\n")
    environment.make(tmp_path / "venv")
    assert len(commands) == 4


def test_the_program_goes_on_in_it_once(commands, tmp_path, monkeypatch):
    entered = []
    monkeypatch.setattr(environment.os, "execv", lambda python, words: entered.append((python, words)))
    monkeypatch.setattr(environment.os, "environ", {})
    environment.enter(tmp_path / "venv")
    python = str(tmp_path / "venv" / "bin" / "python")
    assert entered == [(python, [python, *sys.argv])]
    environment.enter(tmp_path / "venv")
    assert len(entered) == 1


def test_every_package_is_pinned():
    lines = pathlib.Path(environment.HERE, "requirements.txt").read_text().splitlines()
    packages = [line for line in lines if line and not line.startswith("#")]
    assert packages and all("==" in line for line in packages)
