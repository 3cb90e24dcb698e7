"""Pruning and search: what goes, what it costs, and that nothing of a search is lost."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from fastportrait import results
from fastportrait.cli import main
from fastportrait.nets.inherit import groups, scales
from fastportrait.nets.plan import Plan, macs
from fastportrait.nets.topdown import SMALL, TopDown
from fastportrait.nets.weights import About, load, read_about, save
from fastportrait.search import table
from fastportrait.search.prune import shrunk
from fastportrait.search.space import Choices, Space, choose
from fastportrait.search.worth import worth
from shards import write_data
from test_inherit import TINY, settled

SIZE = (64, 64)
RECIPE = """network = "topdown"
steps = 2
batch = 4
size = [64, 64]
score_size = [64, 64]
losses = { mask = 1.0 }
validate_every = 2
"""
SPACE = """init = "tiny.safetensors"
recipe = "proxy.toml"
[vary]
size = [[64, 64], [96, 64]]
hidden = [0.5, 1.0]
decoder = [0.5, 1.0]
blocks = [1, 2]
normalised = [false]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A trained network's weights, a recipe and a space around them, and pictures."""
    place = tmp_path_factory.mktemp("search")
    save(settled(TINY), About("topdown", SIZE, terms="none", plan=TINY.write()), place / "tiny.safetensors")
    (place / "proxy.toml").write_text(RECIPE)
    (place / "space.toml").write_text(SPACE)
    write_data(place / "data")
    return place


def run(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


def batches(count=2):
    generator = torch.Generator().manual_seed(0)
    for _ in range(count):
        image = torch.rand(2, 3, 64, 64, generator=generator)
        yield image, (image[:, :1] > 0.5).float()


# What channels are worth


def test_a_channel_that_nobody_listens_to_is_worth_nothing():
    net = settled(TINY)
    tensors = net.state_dict()
    tensors["trunk.stages.1.0.body.2.0.weight"][:, 3] = 0
    tensors["head.weight"][:, 5] = 0
    net.load_state_dict(tensors)
    found = worth(net, batches())
    assert {name: len(value) for name, value in found.items()} == {
        name: group.count for name, group in groups(TINY).items()
    }
    assert found["hidden 1.0.0"][3] == 0
    assert found["last"][5] == 0
    assert (found["hidden 1.0.0"] > 0).sum() == 23


def test_what_a_channel_is_worth_is_the_change_of_the_loss_when_it_fades():
    """The norm's output times 1 - h changes the loss by h times the gate's gradient."""
    from fastportrait.losses import boundary, mask

    net, (image, alpha) = settled(TINY), next(batches())
    value = worth(net, [(image, alpha)])["last"]

    def loss():
        logit, certain = net(image), torch.ones_like(alpha)
        return mask(logit, alpha, certain, image) + boundary(logit, alpha, certain, image)

    norm = net.decoder.smooth[0][1][1]
    with torch.no_grad():
        before = loss()
        for channel in (0, 7):
            kept = norm.weight[channel].clone(), norm.bias[channel].clone()
            norm.weight[channel] *= 1 - 1e-2
            norm.bias[channel] *= 1 - 1e-2
            change = float(loss() - before) / 1e-2
            norm.weight[channel], norm.bias[channel] = kept
            assert change**2 == pytest.approx(float(value[channel]), rel=0.05, abs=1e-9)


# Pruning


def test_what_is_worth_least_for_its_cost_goes_first_and_in_eights():
    value = {name: torch.full((group.count,), 1.0) for name, group in groups(SMALL).items()}
    value["hidden 1.0.0"] = torch.full((96,), 1e-6)

    def cost(plan):
        return macs(plan, (256, 256))

    plan = shrunk(SMALL, value, cost, 0.9 * cost(SMALL))
    assert plan.stages[1][0].hidden == 24  # the least that it keeps
    assert 0.85 * cost(SMALL) < cost(plan) <= 0.9 * cost(SMALL)
    assert all(group.count % 8 == 0 for group in groups(plan).values())
    assert [blocks[-1].channels for blocks in plan.stages[1:]] == [24, 32, 96, 96]  # rows are left alone


def test_a_cost_that_no_plan_has_is_refused():
    value = {name: torch.ones(group.count) for name, group in groups(TINY).items()}
    with pytest.raises(ValueError, match="the narrowest plan costs"):
        shrunk(TINY, value, lambda plan: macs(plan, SIZE), 1.0)


@pytest.mark.parametrize("data", [True, False], ids=["by pictures", "by norms"])
def test_prune_writes_weights_that_load_and_say_what_they_are(folder, tmp_path, monkeypatch, data):
    monkeypatch.delenv("FASTPORTRAIT_DATA", raising=False)
    out = tmp_path / "half.safetensors"
    given = ["--data", folder / "data", "--pictures", 8] if data else []
    done = run("prune", folder / "tiny.safetensors", "--cost", 0.7, "-o", out, "--json", *given)
    assert done.exit_code == 0, done.output
    report = json.loads(done.output)
    net, about = load(out)
    assert about.network == "topdown"
    assert about.terms == "none"
    assert net.plan == Plan.read(report["plan"])
    assert report["judged_by"] == ("pictures" if data else "norms")
    assert macs(net.plan, SIZE) <= 0.7 * macs(TINY, SIZE)
    assert net(torch.rand(1, 3, 64, 64)).shape == (1, 1, 64, 64)


def test_prune_fits_weights_to_the_plan_of_a_recipe(folder, tmp_path):
    plan = replace(TINY, widths=(8, *TINY.widths[1:]), head=1)
    recipe, out = tmp_path / "r.toml", tmp_path / "fitted.safetensors"
    lines = [f"{name} = {json.dumps(value)}" for name, value in plan.write().items()]
    recipe.write_text("\n".join(['network = "topdown"\nsteps = 1\nscore_size = [96, 64]\n[plan]', *lines]))
    done = run("prune", folder / "tiny.safetensors", "--plan", recipe, "-o", out, "--json")
    assert done.exit_code == 0, done.output
    net, about = load(out)
    assert net.plan == plan == Plan.read(json.loads(done.output)["plan"])
    assert about.size == (96, 64)
    assert json.loads(done.output)["fresh"] == ["head"]
    again = tmp_path / "again.safetensors"
    run("prune", folder / "tiny.safetensors", "--plan", recipe, "-o", again)
    assert again.read_bytes() == out.read_bytes()  # what is fresh is drawn alike

    for given, said in (
        ([], "either --cost"),
        (["--cost", 0.5, "--plan", recipe], "either --cost"),
        (["--plan", recipe, "--streams"], "--plan gives one"),
    ):
        done = run("prune", folder / "tiny.safetensors", *given, "-o", tmp_path / "no.safetensors")
        assert done.exit_code == 2
        assert said in done.output


def test_prune_never_writes_over_what_it_prunes(folder):
    weights = folder / "tiny.safetensors"
    before = weights.read_bytes()
    done = run("prune", weights, "--cost", 0.7, "-o", weights)
    assert done.exit_code == 1
    assert "is the file to prune" in done.output
    assert weights.read_bytes() == before


# Weights of strangers


def test_a_plan_that_the_tensors_do_not_fit_builds_nothing(folder, tmp_path):
    net, about = load(folder / "tiny.safetensors")
    huge = replace(TINY, stages=(*TINY.stages[:-1], (replace(TINY.stages[-1][0], hidden=2048),) * 3))
    path = tmp_path / "huge.safetensors"
    save(net, replace(about, plan=huge.write()), path)
    with pytest.raises(ValueError, match="is not that of its tensors"):
        load(path)
    save(net, replace(about, plan={**TINY.write(), "stem": 10**12}), path)
    with pytest.raises(ValueError, match="stem must be 1 to 2048"):
        load(path)
    save(net, replace(about, plan={}), path)
    with pytest.raises(ValueError, match="none is given"):
        load(path)
    save(net, replace(about, network="small"), path)
    with pytest.raises(ValueError, match="small has no plan"):
        load(path)


def test_a_recipe_starts_a_plan_from_wider_weights(folder):
    from fastportrait.nets.inherit import inherit
    from fastportrait.nets.weights import start_from

    narrow = replace(TINY, widths=(8, 8, 16, 32), last=8, normalised=False)
    net = TopDown(narrow)
    taken = start_from(net, "topdown", folder / "tiny.safetensors")
    assert set(taken) == set(net.state_dict())
    expected, _ = inherit(load(folder / "tiny.safetensors")[0], narrow)
    assert all(
        torch.equal(a, b)
        for a, b in zip(net.state_dict().values(), expected.state_dict().values(), strict=True)
    )


# The table of times


def test_the_table_finds_the_times_that_plans_were_made_to_have():
    """Times that are a sum over layers are met, also of a plan that the fit has not seen."""
    true = np.array([0.004, 0.02, 0.03, 0.05, 0.0, 1.0])
    sizes = [(256, 256), (224, 224), (192, 192), (160, 192)]
    plans = [
        replace(SMALL, stem=stem, widths=widths, last=last, normalised=normalised)
        for stem, widths in ((8, SMALL.widths), (32, (8, 8, 24, 40, 48)))
        for last in (8, 24)
        for normalised in (True, False)
    ]
    rows = [(p, size, float(table.terms(p, size) @ true)) for p in plans for size in sizes]
    made = table.fitted(rows, "selfie")
    assert made.error < 1e-6
    unseen = replace(SMALL, widths=(8, 16, 24, 32, 40))
    assert made(unseen, (256, 256)) == pytest.approx(float(table.terms(unseen, (256, 256)) @ true), rel=1e-4)
    with pytest.raises(ValueError, match="ten plans or more"):
        table.fitted(rows[:9], "selfie")


# The space


def test_choices_make_a_plan_and_their_first_ones_what_the_weights_have():
    vary = Choices(size=((224, 192),), hidden=(1.0, 0.5), blocks=(4, 1), last=(16, 8), first=(0, 1))
    plan, size = choose(SMALL, (256, 256), vary, lambda name, choices: choices[0])
    assert (plan, size) == (replace(SMALL, last=16), (224, 192))
    plan, _ = choose(SMALL, (256, 256), vary, lambda name, choices: choices[-1])
    assert [len(blocks) for blocks in plan.stages] == [1, 1, 1, 2, 1]
    assert [block.hidden for block in plan.stages[3]] == [96, 192]
    assert (plan.widths, plan.shuffle, plan.last) == ((24, 32, 48, 64), 4, 8)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[vary]\nstem = [16]", "init names a file"),
        (SPACE.replace("tiny", "none"), "no such file beside it"),
        (SPACE.replace("hidden", "hiden"), "did you mean 'hidden'"),
        (SPACE.replace("[0.5, 1.0]", "[2.0]"), "shares above 0, up to 1"),
        (SPACE.replace("[1, 2]", "[]"), "is a list of choices"),
        (SPACE.partition("[vary]")[0], "a table \\[vary\\]"),
    ],
)
def test_a_space_that_makes_no_sense_is_named(folder, tmp_path, text, reason):
    for name in ("tiny.safetensors", "proxy.toml"):
        (tmp_path / name).symlink_to(folder / name)
    path = tmp_path / "space.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=reason):
        Space.read(path)


# The search


@pytest.mark.filterwarnings("ignore::UserWarning")  # Lightning's advice on loaders and logs
def test_a_search_goes_on_where_it_was_stopped_and_keeps_the_best(folder, tmp_path, monkeypatch):
    pytest.importorskip("optuna")
    from fastportrait.search import trial as trials

    out = tmp_path / "search"
    words = ["search", folder / "space.toml", "--out", out, "--data", folder / "data", "--judged", 4]
    done = run(*words, "--trials", 2)
    assert done.exit_code == 0, done.output

    # Ctrl-C in the middle of a trial's training.
    real = trials.fit

    def interrupted(*given):
        raise KeyboardInterrupt

    monkeypatch.setattr(trials, "fit", interrupted)
    done = run(*words, "--trials", 1)
    assert done.exit_code == 0, done.output
    assert "the same command goes on" in done.output
    begun = {path.parent.name for path in out.glob("trials/*/inherited.safetensors")}
    finished = {path.parent.name for path in out.glob("trials/*/outcome.json")}
    (left,) = begun - finished
    monkeypatch.setattr(trials, "fit", real)
    done = run(*words, "--trials", 1, "--json")
    assert done.exit_code == 0, done.output
    assert (out / "trials" / left / "outcome.json").is_file()

    result = results.read(out / "front.json")
    rows = result["trials"]
    assert {Path(row["folder"]).name for row in rows} == begun
    best = [row for row in rows if row["front"]]
    for row in rows:
        beaten = [b for b in best if b["cost"] <= row["cost"] and b["score"] >= row["score"]]
        assert (row in best) == (beaten == [row])
        about = read_about(out / row["folder"] / "run/topdown.safetensors")
        assert about.plan == row["plan"]
        assert "x".join(map(str, about.size)) == row["input"]
        assert row["macs"] == macs(Plan.read(row["plan"]), about.size)
        assert row["cost"] == pytest.approx(row["macs"] / 1e6)
    assert "</svg>" in (out / "front.svg").read_text()

    other = run(*words, "--cost", "table", "--trials", 0)
    assert other.exit_code == 1
    assert "--cost table needs --table" in other.output


def test_norms_say_what_a_channel_is_worth_where_there_are_no_pictures():
    net = settled(TINY)
    norm = net.get_submodule("trunk.stages.1.0.body.1.1")
    with torch.no_grad():
        norm.weight[4], norm.bias[4] = 0, 0
    value = scales(net)["hidden 1.0.0"]
    assert value[4] == 0
    assert float(value.mean()) == pytest.approx(1)
