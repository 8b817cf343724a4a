"""The recipes for schedulers: their files say what cron, systemd and Kubernetes understand, and what our command line takes."""

import asyncio
import configparser
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer
import yaml
from apscheduler.events import EVENT_JOB_EXECUTED, EVENT_JOB_MAX_INSTANCES
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

from fmcsa_orchestrator import Settings
from fmcsa_orchestrator.cli.app import app
from fmcsa_orchestrator.settings import PREFIX
from fmcsa_orchestrator.testing import Fault
from tests.support.passing_time import PATIENCE_S
from tests.support.paths import EXAMPLES, ROOT
from tests.support.world import statuses

CRON = r"(\*|[\d,*/-]+) (\*|[\d,*/-]+) (\*|[\d,*/-]+) (\*|[\d,*/-]+) (\*|[\d,*/-]+)"


def options_of(command):
    """What our command line makes of these words; an unknown command or option raises."""
    program, name, *arguments = command
    assert Path(program).name == "fmcsa-orchestrator"
    known = typer.main.get_command(app).commands
    return known[name].make_context(name, arguments).params


def units():
    return sorted((EXAMPLES / "systemd").iterdir())


def unit(name):
    parser = configparser.ConfigParser(interpolation=None, delimiters="=")
    parser.optionxform = str
    parser.read(EXAMPLES / "systemd" / name)
    return parser


def manifest():
    return yaml.safe_load((EXAMPLES / "kubernetes" / "cronjob.yaml").read_text())


def test_crontab_runs_our_command():
    lines = (EXAMPLES / "crontab").read_text().splitlines()
    [job] = [line for line in lines if line and not re.match(r"#|\w+=", line)]
    times, command = job.split("  ", 1)
    assert re.fullmatch(CRON, times)
    assert "%" not in command  # cron makes a new line of it
    [ours] = [part.partition(" >> ")[0] for part in command.split(" && ") if "fmcsa-orchestrator" in part]
    assert options_of(shlex.split(ours))["deadline"] == 3600


def test_systemd_units_run_our_command_once_a_day():
    service = unit("fmcsa-sync.service")["Service"]
    assert float(service["TimeoutStartSec"]) > options_of(shlex.split(service["ExecStart"]))["deadline"]
    assert {path.stem for path in units()} == {"fmcsa-sync"}  # a timer starts the service of its own name


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_systemd_has_nothing_to_say_against_the_units(tmp_path):
    for path in units():
        text = path.read_text().replace("/srv/app/.venv/bin/fmcsa-orchestrator", sys.executable)
        (tmp_path / path.name).write_text(text)
    found = subprocess.run(
        ["systemd-analyze", "verify", *(str(tmp_path / path.name) for path in units())],
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stderr == ""


def test_cronjob_keeps_to_one_run_and_to_its_times():
    cronjob = manifest()
    job = cronjob["spec"]["jobTemplate"]["spec"]
    pod = job["template"]["spec"]
    [container] = pod["containers"]
    assert (cronjob["apiVersion"], cronjob["kind"], cronjob["spec"]["concurrencyPolicy"]) == ("batch/v1", "CronJob", "Forbid")
    assert re.fullmatch(CRON, cronjob["spec"]["schedule"])
    assert options_of(container["command"])["deadline"] < job["activeDeadlineSeconds"]
    assert pod["terminationGracePeriodSeconds"] > 0
    assert pod["restartPolicy"] == "Never"  # a podFailurePolicy asks for it


def test_cronjob_sets_only_settings_that_there_are_and_secrets_from_a_secret():
    [container] = manifest()["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    variables = {variable["name"]: variable for variable in container["env"]}
    fields = {PREFIX + name.upper(): field for name, field in Settings.model_fields.items()}
    assert variables.keys() <= fields.keys()
    assert "FMCSA_MONGODB_URI" in variables
    for name, variable in variables.items():
        is_secret = "SecretStr" in str(fields[name].annotation)
        assert ("secretKeyRef" in variable.get("valueFrom", {})) == is_secret, name


@pytest.fixture
def scheduled(settings, monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    from apscheduler_app import scheduled  # noqa: PLC0415

    return scheduled


def heard(scheduler, code):
    """A future with the next event of this kind."""
    future = asyncio.get_running_loop().create_future()
    scheduler.add_listener(lambda event: future.done() or future.set_result(event), code)
    return asyncio.wait_for(future, PATIENCE_S)


async def test_apscheduler_syncs_every_company_at_once(scheduled, database):
    async with scheduled(DateTrigger(timezone=UTC)) as scheduler:
        await heard(scheduler, EVENT_JOB_EXECUTED)
    assert [status["success"] for status in (await statuses(database)).values()] == [True] * 9


async def test_apscheduler_makes_up_for_missed_runs_by_one(scheduled):
    async with scheduled(IntervalTrigger(minutes=10, timezone=UTC)) as scheduler:
        done = []
        scheduler.add_listener(done.append, EVENT_JOB_EXECUTED)
        scheduler.get_job("fmcsa_sync").modify(next_run_time=datetime.now(UTC) - timedelta(minutes=35))
        await heard(scheduler, EVENT_JOB_EXECUTED)
        assert scheduler.get_job("fmcsa_sync").next_run_time > datetime.now(UTC)
    assert len(done) == 1


async def test_apscheduler_starts_no_second_run_and_leaving_ends_the_first(scheduled, upstream, database):
    upstream.inject(Fault.hang(600), kind="resource")
    async with scheduled(IntervalTrigger(minutes=10, timezone=UTC)) as scheduler:
        scheduler.get_job("fmcsa_sync").modify(next_run_time=datetime.now(UTC))
        async with asyncio.timeout(PATIENCE_S):
            while not upstream.count("resource"):
                await asyncio.sleep(0.01)
        refused = heard(scheduler, EVENT_JOB_MAX_INSTANCES)
        scheduler.get_job("fmcsa_sync").modify(next_run_time=datetime.now(UTC))
        await refused
    assert await statuses(database) == {}
    lease = await database["fmcsaLeases"].find_one({"_id": "run:companies"})
    assert (lease["token"], lease["owner"]) == (1, None)


async def test_apscheduler_alone_ends_on_sigterm(settings):
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(EXAMPLES / "apscheduler_app.py"), env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE
    )
    async with asyncio.timeout(PATIENCE_S):
        while b"Scheduler started" not in await process.stderr.readline():
            assert process.returncode is None
        process.send_signal(signal.SIGTERM)
        _, err = await process.communicate()
    assert (process.returncode, b"Traceback" in err) == (0, False)
