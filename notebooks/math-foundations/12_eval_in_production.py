# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 12. Evaluating a copilot in production
#
# A support team works with an AI copilot. For every ticket it suggests what to do; an analyst accepts the suggestion or
# overrides it. Version **v1** is in use. Version **v2** did better on the test set. Should it replace v1?
#
# You know how to compare two numbers from samples. This lesson is about what changes when the samples come from a live
# system, week after week, while the world moves and somebody has to decide every Monday: **go** on, **hold**, or
# **roll back**.
#
# 1. A test set is a photograph
# 2. Exercise 1: several metrics, one weighted KPI
# 3. Exercise 2: old against new, week by week
# 4. Exercise 3: go, hold, rollback from thresholds
# 5. Why thresholds on noise mislead
# 6. Evidence that may be looked at every week
# 7. The ramp trap
# 8. Two more traps: the metric nobody watched, the average that hides a queue
# 9. Checklist, exercises, solutions
#
# Everything is done by hand first and then with the package `rampgate`. Try each **question** before you open its
# answer.

# %% [markdown]
# ## 0. Tools
#
# pandas and numpy for the work by hand, Altair for the plots. Every random number has a seed: you will see the same
# figures.

# %%
import altair as alt
import numpy as np
import pandas as pd
from IPython.display import Markdown, display

import rampgate
from rampgate.demo.tickets import load

BLUE, ORANGE, GREEN, YELLOW, GREY = "#0072B2", "#D55E00", "#009E73", "#E69F00", "#767676"  # safe for colour-blind eyes
ARMS = alt.Scale(domain=["v1", "v2"], range=[BLUE, ORANGE])


@alt.theme.register("lesson", enable=True)
def theme():
    text = {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"}
    return alt.theme.ThemeConfig(
        config={
            "font": "Liberation Sans, Arial, DejaVu Sans, sans-serif",
            "view": {"stroke": None, "continuousWidth": 560, "continuousHeight": 240},
            "title": {"fontSize": 14, "anchor": "start", "subtitleFontSize": 12, "subtitleColor": "#555", "offset": 12},
            "axis": {**text, "gridColor": "#e6e6e6", "domainColor": "#999", "tickColor": "#999"},
            "legend": text,
            "header": {"labelFontSize": 12, "titleFontSize": 12, "labelFontWeight": "bold"},
        }
    )


alt.renderers.enable("png", ppi=108)


def say(text):
    """Show a sentence whose figures were computed just now."""
    display(Markdown(text))


# %% [markdown]
# ## 1. A test set is a photograph
#
# v1 was tested last spring on tickets of three queues. It is good at mail, fair at desk problems and poor at network
# problems. Suppose that **the model never changes**. Only the mix of tickets does: the company moves to a new building,
# and week by week more of the tickets are about the network.

# %%
accuracy_by_queue = np.array([0.95, 0.90, 0.75])  # mail, desk, network: fixed for good
mix_in_the_test = np.array([0.50, 0.40, 0.10])
mix_at_the_end = np.array([0.30, 0.30, 0.40])
offline = accuracy_by_queue @ mix_in_the_test

rng = np.random.default_rng(12)
rows = []
for week in range(1, 27):
    moved = (week - 1) / 25  # 0 in the first week, 1 in the last
    mix = (1 - moved) * mix_in_the_test + moved * mix_at_the_end
    queue = rng.choice(3, size=2100, p=mix)
    rows.append({"week": week, "accuracy": (rng.random(2100) < accuracy_by_queue[queue]).mean()})
half_a_year = pd.DataFrame(rows)
lost = offline - half_a_year["accuracy"].iloc[-1]

points = (
    alt.Chart(half_a_year)
    .mark_line(color=BLUE, point=alt.OverlayMarkDef(color=BLUE, size=40))
    .encode(
        x=alt.X("week", title="Week in production", scale=alt.Scale(domain=[1, 26]), axis=alt.Axis(grid=False)),
        y=alt.Y("accuracy", title="Accuracy", scale=alt.Scale(domain=[0.80, 0.94]), axis=alt.Axis(format=".0%")),
    )
)
promise = (
    alt.Chart(pd.DataFrame({"y": [offline], "text": [f"test set: {offline:.1%}"]}))
    .mark_rule(color=GREY, strokeDash=[6, 4])
    .encode(y="y")
)
label = promise.mark_text(color="#555", dy=-8, align="right", x="width", fontSize=12).encode(text="text")
(points + promise + label).properties(
    title={
        "text": f"The model never changed, and its accuracy fell by {100 * lost:.0f} points",
        "subtitle": "Share of right suggestions per week, 2,100 tickets each; only the mix of queues moves",
    }
)

# %%
assert abs(offline - 0.91) < 1e-12
say(
    f"The test set promised {offline:.1%}. After half a year the team sees {half_a_year['accuracy'].iloc[-1]:.1%}. "
    "Nobody made a mistake: the test answered a question about last spring."
)

# %% [markdown]
# Three more things that a test set cannot show:
#
# - **People react.** Will analysts trust v2, or override it? Nobody overrides a test set.
# - **The business wants several things at once.** Fast, right, within the agreed time, and no missed incident.
# - **A bad version harms people while you are finding out.** So a new version starts with a small share of the traffic.
#
# **Question 1.** The accuracy fell and v1 is to blame for none of it. You now replace v1 by v2 and accuracy falls by
# another point. Is v2 worse?
#
# <details><summary>Answer</summary>
#
# You cannot tell. The mix moved too. "Before and after" compares two worlds. You need both versions **at the same
# time, on the same kind of tickets**: give each ticket to v1 or v2 at random. This is the randomised experiment of your
# first course, run on live traffic. Everything below assumes it.
#
# </details>

# %% [markdown]
# ## 2. Exercise 1: several metrics, one weighted KPI
#
# Six things are measured for every ticket. They have different units, and for some of them lower is better.
#
# | metric | unit | better |
# |---|---|---|
# | accuracy: was the suggestion right? | share | higher |
# | SLA: was the ticket closed within the time promised (the service-level agreement)? | share | higher |
# | override: did the analyst discard the suggestion? | share | lower |
# | resolution time | hours | lower |
# | satisfaction of the customer | 1 to 5 | higher |
# | missed incident: did the copilot overlook a serious one? | share | lower |
#
# To get one number (a **KPI**, a key performance indicator) takes three steps:
#
# 1. **Orient and scale.** Turn each metric into a score where 1 is best and 0 is worst:
#    $u = \dfrac{\text{value} - \text{worst}}{\text{best} - \text{worst}}$. For a share where higher is better this is
#    the share itself; where lower is better it is $1 - \text{share}$.
# 2. **Weigh** by importance to the business. The weights $w_j$ sum to 1.
# 3. **Add**: $K = \sum_j w_j\, u_j$.
#
# ### By hand, with three metrics
#
# Accuracy 0.90 with weight 0.40; SLA 0.80 with weight 0.35; override 0.20 with weight 0.25.
#
# $$K = 0.40 \cdot 0.90 + 0.35 \cdot 0.80 + 0.25 \cdot (1 - 0.20) = 0.36 + 0.28 + 0.20 = 0.84$$

# %%
weights = {"accuracy": 0.40, "sla": 0.35, "override": 0.25}
assert abs(sum(weights.values()) - 1) < 1e-9


def weighted_kpi(accuracy, sla, override):
    return weights["accuracy"] * accuracy + weights["sla"] * sla + weights["override"] * (1 - override)


parts = [weights["accuracy"] * 0.90, weights["sla"] * 0.80, weights["override"] * (1 - 0.20)]
by_hand = weighted_kpi(accuracy=0.90, sla=0.80, override=0.20)
assert np.allclose(parts, [0.36, 0.28, 0.20])
assert np.isclose(by_hand, 0.84)
round(by_hand, 4)

# %% [markdown]
# ### By the package
#
# The package takes a table with one row per ticket and a **policy**: what the columns mean, what counts, and what may
# not happen. It calls v1, the version in use, the *baseline* and v2, the new one, the *candidate*. Let us build ten
# tickets for v1 with exactly these rates, and ten for v2: all suggestions right, but only 6 of 10 within the SLA and 3
# of 10 overridden.
#
# **Question 2.** v2 is the more accurate one. What is its KPI? Work it out before you run the cell.

# %%
ten_tickets = pd.DataFrame(
    {
        "ticket": range(20),
        "opened_at": pd.Timestamp("2026-01-05 09:00"),
        "version": ["v1"] * 10 + ["v2"] * 10,
        "correct": [1] * 9 + [0] * 1 + [1] * 10,
        "sla_met": [1] * 8 + [0] * 2 + [1] * 6 + [0] * 4,
        "overridden": [1] * 2 + [0] * 8 + [1] * 3 + [0] * 7,
    }
)

policy = {
    "rollout": "copilot",
    "baseline": "v1",
    "candidate": "v2",
    # which columns say what a row is; the package looks at the table once a week
    "source": {"unit": "ticket", "time": "opened_at", "variant": "version", "look": "week"},
    # a proportion is a share
    "metrics": {
        "accuracy": {"kind": "proportion", "column": "correct"},
        "sla": {"kind": "proportion", "column": "sla_met"},
        "override": {"kind": "proportion", "column": "overridden", "better": "lower"},
    },
    "kpi": {"weights": weights},
    # the share of tickets that v2 gets, step by step (section 4)
    "phases": [{"traffic": "10%"}, {"traffic": "25%"}, {"traffic": "50%"}],
}

# ledger=None: nothing is written to disk
decision = rampgate.check(policy, events=ten_tickets, as_of="2026-01-12", ledger=None)
pd.DataFrame(
    {"by hand": [by_hand, weighted_kpi(1.0, 0.6, 0.3)], "package": [decision.kpi.baseline, decision.kpi.candidate]},
    index=["v1", "v2"],
)

# %%
assert np.isclose(decision.kpi.baseline, 0.84)
assert np.isclose(decision.kpi.candidate, weighted_kpi(1.0, 0.6, 0.3))
assert np.isclose(decision.kpi.candidate, 0.785)

# %% [markdown]
# <details><summary>Answer to question 2</summary>
#
# 0.40 + 0.21 + 0.175 = 0.785. The more accurate version has the lower KPI: it pays for its accuracy with late tickets
# and overrides. (The cell above checks this figure.)
#
# </details>
#
# ### All six metrics
#
# Ten tickets are for arithmetic. From here on we simulate a support desk with 300 tickets a day. The function below
# makes its table. `traffic` is the share of tickets that v2 gets in each week; `effect` is what v2 truly changes, which
# in real life nobody tells you.

# %%
MONDAY = pd.Timestamp("2026-01-05")


def simulate(traffic, effect=None, from_week=1, sla_level=None, network=0.0, seed=1, per_day=300):
    """One row per ticket; ``traffic`` and ``sla_level`` have one number per week."""
    rng = np.random.default_rng(seed)
    traffic = np.asarray(traffic, dtype=float)
    day = np.repeat(np.arange(7 * len(traffic)), per_day)
    week, n = day // 7, len(day)
    v2 = rng.random(n) < traffic[week]
    queue = rng.choice(["mail", "desk", "network"], n, p=[0.5, 0.4, 0.1])
    at_work = v2 & (week + 1 >= from_week)

    def change(metric):
        return at_work * (effect or {}).get(metric, 0.0)

    level = 0.80 if sla_level is None else np.asarray(sla_level)[week]
    correct = rng.random(n) < 0.88 + change("accuracy") + at_work * (queue == "network") * network
    return pd.DataFrame(
        {
            "ticket": np.arange(n),
            "opened_at": MONDAY
            + pd.to_timedelta(day, unit="D")
            + pd.to_timedelta(rng.integers(0, 1440, n), unit="min"),
            "version": np.where(v2, "v2", "v1"),
            "queue": queue,
            "correct": correct.astype(int),
            "sla_met": (rng.random(n) < level + change("sla")).astype(int),
            # analysts override wrong suggestions often, and right ones sometimes
            "overridden": (rng.random(n) < np.where(correct, 0.12, 0.75) + change("override")).astype(int),
            "hours": np.minimum(rng.lognormal(np.log(6), 0.6, n) * (1 + change("hours")), 48.0),
            "satisfaction": np.clip(np.round(rng.normal(3.6 + 0.4 * correct + change("satisfaction"), 0.9)), 1, 5),
            "missed": (rng.random(n) < 0.010 + change("missed")).astype(int),
        }
    )


trial = simulate(traffic=[0.5] * 4, effect={"accuracy": 0.02, "sla": 0.03, "hours": -0.10, "missed": 0.005}, seed=2)
trial.head(4)

# %% [markdown]
# Four weeks, half of the tickets to each version. First the plain values, then scores, then the weighted sum. The
# columns `worst` and `best` are a decision of the business, like the weights: a ticket that takes a day scores 0, and a
# team that misses 5% of its incidents scores 0.

# %%
six = pd.DataFrame(
    [
        ("accuracy", "correct", 0.0, 1.0, 0.25),
        ("sla", "sla_met", 0.0, 1.0, 0.20),
        ("override", "overridden", 1.0, 0.0, 0.15),
        ("hours", "hours", 24.0, 0.0, 0.10),
        ("satisfaction", "satisfaction", 1.0, 5.0, 0.15),
        ("missed", "missed", 0.05, 0.0, 0.15),
    ],
    columns=["metric", "column", "worst", "best", "weight"],
).set_index("metric")
assert abs(six["weight"].sum() - 1) < 1e-9

values = trial.groupby("version")[six["column"].tolist()].mean().T.set_axis(six.index)
scores = values.sub(six["worst"], axis=0).div(six["best"] - six["worst"], axis=0)
contribution = scores.mul(six["weight"], axis=0)
kpi_by_hand = contribution.sum()

table = pd.concat(
    [values.add_prefix("value "), six[["worst", "best"]], scores.add_prefix("score "), six["weight"],
     contribution.add_prefix("adds ")],
    axis=1,
)  # fmt: skip
table.round(3)

# %%
stacked = contribution.reset_index().melt("metric", var_name="version", value_name="adds")
order = six.index.tolist()
stacked["place"] = stacked["metric"].map(order.index)
bars = (
    alt.Chart(stacked)
    .mark_bar(stroke="white")
    .encode(
        y=alt.Y("version", title=None),
        x=alt.X("adds", title="Weighted KPI (sum of weight x score)", scale=alt.Scale(domain=[0, 1])),
        color=alt.Color(
            "metric",
            sort=order,
            title="Metric",
            scale=alt.Scale(range=["#0072B2", "#56B4E9", "#009E73", "#F0E442", "#E69F00", "#CC79A7"]),
        ),
        order="place",
    )
)
total = alt.Chart(kpi_by_hand.rename("kpi").reset_index()).mark_text(align="left", dx=6, fontWeight="bold", fontSize=13)
(bars + total.encode(y="version", x="kpi", text=alt.Text("kpi", format=".3f"))).properties(
    height=90,
    title=f"Six metrics become one number: v1 {kpi_by_hand['v1']:.3f}, v2 {kpi_by_hand['v2']:.3f}",
)

# %% [markdown]
# The package does the same when the policy gives each metric its `worst` and `best`. It also gives what a single number
# hides: **an interval**.

# %%
six_metrics = {
    "accuracy": {"kind": "proportion", "column": "correct"},
    "sla": {"kind": "proportion", "column": "sla_met"},
    "override": {"kind": "proportion", "column": "overridden", "better": "lower"},
    "hours": {"kind": "mean", "column": "hours", "better": "lower", "best": 0.0, "worst": 24.0},
    "satisfaction": {"kind": "mean", "column": "satisfaction", "best": 5.0, "worst": 1.0},
    "missed": {"kind": "proportion", "column": "missed", "better": "lower", "best": 0.0, "worst": 0.05},
}
six_policy = {**policy, "metrics": six_metrics, "kpi": {"weights": six["weight"].to_dict()}}
decision = rampgate.check(six_policy, events=trial, as_of="2026-02-02", ledger=None)
overall = next(estimate for estimate in decision.metrics if estimate.name == "kpi")
assert np.allclose([overall.raw_baseline, overall.raw_candidate], [kpi_by_hand["v1"], kpi_by_hand["v2"]], atol=1e-9)

# by hand: each ticket has its own score, so the KPI is a mean, and means have a standard error
score = ((trial[six["column"]] - six["worst"].to_numpy()) / (six["best"] - six["worst"]).to_numpy()) @ six[
    "weight"
].to_numpy()
arm = score.groupby(trial["version"])
difference = arm.mean()["v2"] - arm.mean()["v1"]
error = np.sqrt((arm.var() / arm.size()).sum())
pd.DataFrame(
    {
        "difference v2 - v1": [difference, decision.kpi.difference],
        "from": [difference - 1.96 * error, decision.kpi.lower],
        "to": [difference + 1.96 * error, decision.kpi.upper],
    },
    index=["by hand: 95% interval for one look", "package: 95% interval for any number of looks"],
).round(4)

# %% [markdown]
# The package's difference is put together from the weeks (section 7 says why), so its last digits may differ. Its
# interval is wider, because it promises more: it stays true however often you look. Section 6 comes back to this.
#
# **Question 3.** Suppose missed incidents were scaled from best 0 to worst 1, like the other shares. How much would a
# doubling from 1% to 2% cost then? And with worst = 5%?

# %%
cost = {worst: six.loc["missed", "weight"] * (0.02 - 0.01) / worst for worst in (1.0, 0.05)}
pd.Series(cost, name="KPI lost when missed incidents double").rename_axis("worst").to_frame()

# %%
assert np.isclose(cost[1.0], 0.0015)
assert np.isclose(cost[0.05], 0.03)

# %% [markdown]
# <details><summary>Answer</summary>
#
# 0.0015 against 0.03: twenty times as much, with the same weight. **The scale is a second weight.** Choose `worst` as
# the value at which the business would call the system useless, and write it down beside the weights. A rare and grave
# event is better guarded by a rule of its own (section 8) than by a weight.
#
# </details>
#
# ### Why not a scorecard?
#
# A popular shortcut: check for each metric whether v2 is at least as good, and report the share of checks passed. Let
# us see what that share does when **nothing differs**. We take v1's tickets only, deal them into two piles at random
# (pile A, pile B), and score the piles against each other, 1,000 times.

# %%
v1_only = trial[trial["version"] == "v1"]
columns = v1_only[six["column"]].to_numpy()
ticket_score = score[v1_only.index].to_numpy()
better_is_more = np.sign((six["best"] - six["worst"]).to_numpy())
rng = np.random.default_rng(3)
shuffles = []
for _ in range(1000):
    pile_a = rng.random(len(columns)) < 0.5
    gain = (columns[~pile_a].mean(0) - columns[pile_a].mean(0)) * better_is_more
    shuffles.append(((gain >= 0).mean(), 100 * (ticket_score[~pile_a].mean() - ticket_score[pile_a].mean())))
shuffles = pd.DataFrame(shuffles, columns=["passed", "kpi"])
low, high = shuffles["kpi"].quantile([0.025, 0.975])
extreme = ((shuffles["passed"] <= 1.01 / 6) | (shuffles["passed"] >= 4.99 / 6)).mean()

passed = shuffles["passed"].mul(6).round().astype(int).value_counts().rename_axis("passed").rename("n").reset_index()
left = (
    alt.Chart(passed)
    .mark_bar(color=GREY)
    .encode(
        x=alt.X("passed:O", title="Checks passed, of 6", axis=alt.Axis(labelAngle=0)),
        y=alt.Y("n", title="Shuffles", scale=alt.Scale(domain=[0, 300])),
    )
    .properties(width=240, height=200, title=alt.TitleParams(f"Scorecard: 0, 1, 5 or 6 in {extreme:.0%}", fontSize=12))
)
right = (
    alt.Chart(shuffles)
    .mark_bar(color=BLUE)
    .encode(
        x=alt.X(
            "kpi",
            bin=alt.Bin(step=0.5),
            title="Difference of the KPI (points)",
            axis=alt.Axis(values=[-4, -2, 0, 2, 4]),
        ),
        y=alt.Y("count()", title="Shuffles", scale=alt.Scale(domain=[0, 300])),
    )
    .properties(
        width=240, height=200, title=alt.TitleParams(f"KPI: {low:+.1f} to {high:+.1f} points in 95%", fontSize=12)
    )
)
(left | right).properties(
    title={"text": "Nothing differs: the scorecard swings, the KPI stays near 0", "anchor": "start", "fontSize": 14}
)

# %% [markdown]
# A check that compares two equal things is a coin toss, so the scorecard is six coin tosses. It has thrown away **how
# much** better or worse each metric was. The KPI keeps it.

# %% [markdown]
# ## 3. Exercise 2: old against new, week by week
#
# v2 gets half of the tickets for eight weeks. In week 5 half of the staff is on holiday and the SLA suffers, for both
# versions. v2 truly is a little better: accuracy +2 points, SLA +3 points. We use the three-metric KPI.
#
# ### By hand
#
# Group by week and version, take means, subtract.

# %%
holiday = [0.80, 0.81, 0.79, 0.80, 0.62, 0.74, 0.80, 0.81]
eight = simulate(traffic=[0.5] * 8, effect={"accuracy": 0.02, "sla": 0.03}, sla_level=holiday, seed=5)
eight["week"] = (eight["opened_at"] - MONDAY).dt.days // 7 + 1
eight["score"] = weighted_kpi(eight["correct"], eight["sla_met"], eight["overridden"])

weekly = eight.groupby(["week", "version"])["score"].agg(["mean", "var", "size"])
weekly["error"] = np.sqrt(weekly["var"] / weekly["size"])
by_week = weekly["mean"].unstack()
by_week["difference"] = by_week["v2"] - by_week["v1"]
by_week["error"] = np.sqrt((weekly["error"] ** 2).unstack().sum(axis=1))
by_week.round(4)

# %%
arms = weekly.reset_index().assign(
    low=lambda d: d["mean"] - 1.96 * d["error"], high=lambda d: d["mean"] + 1.96 * d["error"]
)
x = alt.X("week:O", title="Week", axis=alt.Axis(labelAngle=0))
base = alt.Chart(arms).encode(x=x, color=alt.Color("version", scale=ARMS, title="Version"))
both = base.mark_line(point=alt.OverlayMarkDef(size=50)).encode(
    y=alt.Y("mean", title="Weighted KPI", scale=alt.Scale(zero=False)),
    strokeDash=alt.StrokeDash("version", legend=None),
) + base.mark_rule(strokeWidth=2, opacity=0.5).encode(y="low", y2="high")

gap = by_week.reset_index()
gap = gap.assign(points=100 * gap["difference"], low=100 * (gap["difference"] - 1.96 * gap["error"]),
                 high=100 * (gap["difference"] + 1.96 * gap["error"]))  # fmt: skip
delta = alt.Chart(gap).encode(x=x)
under = (
    alt.Chart(pd.DataFrame({"y": [0]})).mark_rule(color=GREY, strokeDash=[6, 4]).encode(y="y")
    + delta.mark_rule(strokeWidth=2, color="#333").encode(y=alt.Y("low", title="v2 - v1 (points)"), y2="high")
    + delta.mark_circle(size=70, color="#333", opacity=1).encode(y="points")
)
swing = 100 * (by_week["v1"].max() - by_week["v1"].min())
alt.vconcat(both.properties(width=520, height=200), under.properties(width=520, height=130)).properties(
    title={
        "text": f"The weeks move v1 by {swing:.0f} points; within a week the gap stays near {gap['points'].mean():.1f}",
        "subtitle": "Top: KPI of each version. Bottom: difference. Bars are 95% intervals",
        "anchor": "start", "fontSize": 14,
    }
)  # fmt: skip

# %% [markdown]
# ### By the package
#
# `decision.windows` holds one entry per week. Its differences must equal ours.

# %%
decision = rampgate.check(policy, events=eight, as_of="2026-03-02", ledger=None)
windows = pd.DataFrame(
    [
        (w.start.date(), w.kpi.baseline, w.kpi.candidate, w.kpi.difference, w.kpi.lower, w.kpi.upper)
        for w in decision.windows
    ],
    columns=["week from", "v1", "v2", "difference", "from", "to"],
    index=by_week.index,
)
assert np.allclose(windows[["v1", "v2", "difference"]], by_week[["v1", "v2", "difference"]], atol=1e-9)
windows.round(4)

# %%
whole = decision.kpi
say(
    f"Over all eight weeks: v2 - v1 = {100 * whole.difference:+.1f} points, interval {100 * whole.lower:+.1f} to "
    f"{100 * whole.upper:+.1f}. A single week can be too noisy to tell: the interval by hand holds 0 in "
    f"{((gap['low'] < 0) & (gap['high'] > 0)).sum()} of 8 weeks. Eight weeks together tell."
)
assert whole.lower > 0

# %% [markdown]
# **Question 4.** A colleague launches v2 for everybody at the beginning of week 5 and compares week 5 (v2) with week 4
# (v1). What does he find?

# %%
before_after = by_week.loc[5, "v2"] - by_week.loc[4, "v1"]
say(f"Before and after: {100 * before_after:+.1f} points. Same week: {100 * by_week.loc[5, 'difference']:+.1f} points.")
assert before_after < 0 < by_week.loc[5, "difference"]

# %% [markdown]
# <details><summary>Answer</summary>
#
# That v2 is much worse. He has measured the holiday. Within week 5, where both versions met the same holiday, v2 is
# ahead. **Compare within the same period, then combine.**
#
# </details>

# %% [markdown]
# ## 4. Exercise 3: go, hold, rollback from thresholds
#
# A new version does not get half of the traffic on its first day. It climbs a **ramp**, here 10%, 25%, 50% of the
# tickets, and at the end of each week somebody decides. The textbook way is a list of thresholds, written down *before*
# the launch:
#
# | on Monday, for the week before | decision |
# |---|---|
# | v2's KPI is more than 2 points below v1's | **rollback**: v2 gets no more tickets |
# | v2's KPI is more than 1 point below v1's, or below a floor of 0.70 | **hold**: stay at this traffic |
# | else | **go** to the next phase; in the last phase: **complete** |
#
# Four candidates. Two are **no different from v1**; only the random draw is another one. With the third, analysts
# begin to override 14 points more in week 4. The fourth is harmless, but in weeks 3 and 4 a crisis hits both versions.

# %%
RAMP = [0.10, 0.25] + [0.50] * 6
candidates = {
    "no different, draw A": simulate(RAMP, seed=1),
    "no different, draw B": simulate(RAMP, seed=10),
    "overridden from week 4": simulate(RAMP, effect={"override": 0.14}, from_week=4, seed=7),
    "crisis in weeks 3 and 4": simulate(RAMP, sla_level=[0.8, 0.8, 0.35, 0.35, 0.8, 0.8, 0.8, 0.8], seed=1),
}


def weekly_kpi(table):
    """KPI per week and version, by hand."""
    week = (table["opened_at"] - MONDAY).dt.days // 7 + 1
    score = weighted_kpi(table["correct"], table["sla_met"], table["overridden"])
    return score.groupby([week.rename("week"), table["version"]]).mean().unstack()


def textbook_gate(kpi, rollback_at=0.02, hold_at=0.01, floor=0.70, phases=3):
    """One decision per week; nothing follows a rollback."""
    decisions, phase = [], 1
    for _, week in kpi.iterrows():
        worse_by = week["v1"] - week["v2"]
        if worse_by > rollback_at:
            return [*decisions, "rollback"]
        if worse_by > hold_at or week["v2"] < floor:
            decisions.append("hold")
        elif phase < phases:
            decisions.append("go")
            phase += 1
        else:
            decisions.append("complete")
    return decisions


said = {name: textbook_gate(weekly_kpi(table)) for name, table in candidates.items()}

# %%
tiles = pd.DataFrame(
    [
        {"candidate": name, "week": week, "decision": decision, "points": f"{100 * (kpi['v2'] - kpi['v1'])[week]:+.1f}"}
        for name, table in candidates.items()
        for kpi in [weekly_kpi(table)]
        for week, decision in enumerate(said[name], start=1)
    ]
)
SAID = alt.Scale(domain=["go", "complete", "hold", "rollback"], range=["#8fd1bb", "#b5dcf3", "#f5d28a", "#f0a58a"])
tile = alt.Chart(tiles).encode(
    x=alt.X("week:O", title="Week", axis=alt.Axis(labelAngle=0, domain=False, ticks=False)),
    y=alt.Y("candidate", title=None, sort=list(candidates), axis=alt.Axis(labelLimit=200, domain=False, ticks=False)),
)
board = (
    tile.mark_rect(stroke="white", strokeWidth=2).encode(color=alt.Color("decision", scale=SAID, legend=None))
    + tile.mark_text(dy=-8, fontSize=12).encode(text="decision")
    + tile.mark_text(dy=9, fontSize=12, fontWeight="bold").encode(text="points")
)
board.properties(
    width=560,
    height=190,
    title={
        "text": "Thresholds stop the bad candidate, and a harmless one earlier still",
        "subtitle": "Decision of each week, and v2's KPI minus v1's in points",
    },
)

# %%
assert said["no different, draw A"][-1] == "complete"
assert said["no different, draw B"][-1] == said["overridden from week 4"][-1] == "rollback"
assert said["crisis in weeks 3 and 4"][2:4] == ["hold", "hold"]
assert (weekly_kpi(candidates["crisis in weeks 3 and 4"]).loc[3:4] < 0.70).all(axis=None)

# %% [markdown]
# ### By the package
#
# `evidence: point` switches the package to plain thresholds on the latest complete week. `rampgate.replay` walks
# through the history and decides at every look, carrying the phase along. `1pp` is one percentage point. The
# decisions must be ours, on these four tables and on eight more with candidates that are better, equal and worse.

# %%
point_policy = {
    **policy,
    "evidence": "point",
    "kpi": {"weights": weights, "margin": "1pp", "floor": 0.70},
    "rollback": {"kpi": {"worse_by": "2pp"}},
}
more = {f"number {i}": simulate(RAMP, effect={"override": 0.03 * i - 0.1}, seed=100 + i) for i in range(8)}
last = {}
for name, table in {**candidates, **more}.items():
    looks = rampgate.replay(point_policy, events=table)
    assert [look.decision for look in looks] == textbook_gate(weekly_kpi(table)), name
    last[name] = (looks[-1].look.date(), looks[-1].decision, looks[-1].reasons[0].message.partition(":")[0])
with pd.option_context("display.max_colwidth", None):
    display(pd.DataFrame.from_dict({name: last[name] for name in candidates}, orient="index",
                                   columns=["last look", "decision", "first reason"]))  # fmt: skip

# %% [markdown]
# **Question 5.** Why does the crisis hold the fourth candidate, and is that right?
#
# <details><summary>Answer</summary>
#
# Its own KPI fell below the floor of 0.70. So did v1's. A floor says "the service is not
# good enough to try something new now", which is a fair reason to wait. It says nothing about v2, so it should hold and
# not roll back.
#
# </details>
#
# **Question 6.** Draw B was rolled back although nothing is wrong with it. Bad luck, or a bad rule? What would you need
# to know?

# %% [markdown]
# ## 5. Why thresholds on noise mislead
#
# You would need to know **how often** that happens. So let us watch 10,000 rollouts in which nothing differs.
#
# To keep it simple there is one metric, the override rate, truly 15% in both versions. 300 tickets a day, 12 weeks, the
# same ramp. The rule: roll back as soon as one week is more than 2 points worse. (A share found by simulation is a
# share from a sample, so it has a standard error too: the *Monte-Carlo error*.)

# %%
WEEKS, PER_WEEK, RATE = 12, 2100, 0.15
TRAFFIC = np.array([0.10, 0.25] + [0.50] * 10)


def rollouts(count, harm, seed, per_week=PER_WEEK):
    """Weekly tickets (n) and overrides (y) of many rollouts, one row each."""
    rng = np.random.default_rng(seed)
    n2 = rng.binomial(per_week, TRAFFIC, (count, WEEKS))
    n1 = per_week - n2
    return n1, rng.binomial(n1, RATE), n2, rng.binomial(n2, RATE + harm)


def first_week(fires):
    """Week of the first rollback, 1 to 12; 99 if there is none."""
    return np.where(fires.any(axis=1), fires.argmax(axis=1) + 1, 99)


def share_and_error(hits):
    """A share, and the Monte-Carlo error of a simulation that found it."""
    share = np.mean(hits)
    return share, np.sqrt(share * (1 - share) / len(hits))


n1, y1, n2, y2 = rollouts(10_000, harm=0.0, seed=50)
worse = y2 / n2 - y1 / n1
naive = first_week(worse > 0.02)
share, error = share_and_error(naive <= WEEKS)
say(
    f"Of 10,000 rollouts in which **nothing differs**, the 2-point rule rolls back **{share:.1%}** "
    f"(Monte-Carlo error {error:.1%})."
)
assert 0.74 < share < 0.78

# %% [markdown]
# You can see why with the formula for the standard error of a difference of two shares:
#
# $$\text{SE} = \sqrt{p(1-p)\left(\tfrac{1}{n_1} + \tfrac{1}{n_2}\right)}$$

# %%
se = np.sqrt(RATE * (1 - RATE) * (1 / (PER_WEEK * (1 - TRAFFIC)) + 1 / (PER_WEEK * TRAFFIC)))
by_traffic = pd.DataFrame(
    {
        "tickets for v2": PER_WEEK * TRAFFIC[:3],
        "SE (points)": 100 * se[:3],
        "chance of > 2 points in one week": [(worse[:, week] > 0.02).mean() for week in range(3)],
    },
    index=pd.Index(["10%", "25%", "50%"], name="traffic"),
).round(3)
display(by_traffic)

bell = pd.DataFrame(
    [
        {
            "points": z,
            "threshold": 2,
            "traffic": name,
            "density": np.exp(-0.5 * (z / (100 * s)) ** 2) / (100 * s * np.sqrt(2 * np.pi)),
        }
        for name, s in zip(by_traffic.index, se, strict=False)
        for z in np.linspace(-7, 7, 141)
    ]
)
curve = alt.Chart(bell).encode(x=alt.X("points", title="v2 - v1 (points)"))
shade = curve.transform_filter(alt.datum.points >= 2).mark_area(color=ORANGE, opacity=0.45)
threshold = alt.Chart(bell).mark_rule(color=ORANGE, strokeDash=[6, 4], strokeWidth=2).encode(x="mean(threshold)")
panel = alt.layer(
    shade.encode(y=alt.Y("density", title=None, axis=None)),
    curve.mark_line(color="#333").encode(y="density"),
    threshold,
).properties(width=180, height=130)
panel.facet(alt.Column("traffic", title=None, sort=list(by_traffic.index))).properties(
    title={
        "text": "Two points of difference are nothing special in a single week",
        "subtitle": "Weekly difference of the override rate when nothing differs, by v2's traffic; orange: rolled back",
        "anchor": "start",
    }
)

# %% [markdown]
# Each week is another lottery ticket, and one is enough. If the weeks are independent, the chance of at least one
# rollback in 12 weeks is $1 - \prod_w (1 - p_w)$.

# %%
p_week = np.r_[by_traffic.iloc[0, 2], by_traffic.iloc[1, 2], np.full(10, (worse[:, 2:] > 0.02).mean())]
product = 1 - np.prod(1 - p_week)
say(f"The formula gives {product:.1%}; the simulation gave {share:.1%}.")
assert abs(product - share) < 0.02

# %% [markdown]
# **Question 7.** "Use a significance test then: roll back only when the week is worse with p < 0.05." Does that solve
# it?

# %%
pooled_rate = (y1 + y2) / (n1 + n2)
z = worse / np.sqrt(pooled_rate * (1 - pooled_rate) * (1 / n1 + 1 / n2))
tested = first_week(z > 1.96)
share_tested, error_tested = share_and_error(tested <= WEEKS)
say(f"A weekly two-sided test at 5% rolls back **{share_tested:.1%}** of harmless rollouts (error {error_tested:.1%}).")
assert 0.22 < share_tested < 0.30

# %% [markdown]
# <details><summary>Answer</summary>
#
# Better, and still about one in four. The 5% of a test are promised for **one** look at a sample whose size was fixed
# beforehand. Half of them are on the side "worse", and you look twelve times: $1 - 0.975^{12} = 0.26$. This is called
# *peeking*. Dividing 5% by the number of looks (Bonferroni) keeps the promise, if you know that number and never look
# once more; and it throws away that week 7 knows what weeks 1 to 6 have seen.
#
# </details>

# %%
assert round(1 - 0.975**12, 2) == 0.26

# %% [markdown]
# ## 6. Evidence that may be looked at every week
#
# Can a rule look as often as it likes and still keep a promise of 5%? Yes. The idea is a **bet**.
#
# You suspect that a coin favours heads. You start with 1 euro and bet on every toss against a bank that pays as if the
# coin were fair: heads multiplies your money by 1.2, tails by 0.8. If the coin is fair, this is a fair game: whatever
# you do, your money is 1 euro **on average**, at every moment. So no more than 1 in 20 players can ever reach 20 euros.
# If more could, they would stop when they get there, and the average of all would be above 1. Turned around: **who
# reaches 20 euros has evidence of 20 to 1 that the coin is not fair**, and it does not matter when they looked. (Most
# players lose nearly everything. That is as it should be: their suspicion was wrong.)

# %%
rng = np.random.default_rng(6)
PLAYERS, TOSSES = 3000, 500
heads = rng.random((PLAYERS, TOSSES)) < 0.5  # a fair coin
money = np.cumprod(np.where(heads, 1.2, 0.8), axis=1)
tosses = np.arange(1, TOSSES + 1)
z_coin = (2 * heads.cumsum(axis=1) - tosses) / np.sqrt(tosses)
rich, rich_error = share_and_error((money >= 20).any(axis=1))
peeked, peeked_error = share_and_error((z_coin[:, 19:] > 1.96).any(axis=1))

some = pd.DataFrame(
    [
        {"toss": t + 1, "money": money[i, t], "player": i, "reached": bool((money[i] >= 20).any())}
        for i in range(60)
        for t in range(0, TOSSES, 1 if (money[i] >= 20).any() else 10)
    ]
)
walks = (
    alt.Chart(some)
    .mark_line(strokeWidth=1.2, clip=True)
    .encode(
        x=alt.X("toss", title="Toss", scale=alt.Scale(domain=[0, TOSSES])),
        y=alt.Y("money", title="Money (euros, logarithmic)", scale=alt.Scale(type="log", domain=[0.001, 100]),
                axis=alt.Axis(values=[0.001, 0.01, 0.1, 1, 10, 100], format="~g")),
        detail="player",
        color=alt.condition("datum.reached", alt.value(ORANGE), alt.value("#b9c4cc")),
    )
)  # fmt: skip
bar = (
    alt.Chart(pd.DataFrame({"y": [20], "text": ["20 euros"]})).mark_rule(color="#333", strokeDash=[6, 4]).encode(y="y")
)
(walks + bar + bar.mark_text(dy=-8, align="right", x="width", fontSize=12).encode(text="text")).properties(
    title={
        "text": f"Betting against a fair coin: {rich:.1%} of {PLAYERS:,} players ever reach 20 euros",
        "subtitle": "60 of them are shown; those who reach it in orange",
    }
)

# %%
say(
    f"Ever reached 20 euros within {TOSSES} tosses: {rich:.1%} (error {rich_error:.1%}; the promise is at most 5%). "
    f"Ever significantly more heads in a test after each toss from the 20th on: {peeked:.1%} "
    f"(error {peeked_error:.1%})."
)
assert rich <= 0.05
assert peeked > 0.15

# %% [markdown]
# rampgate does this with rollouts. It bets that v2 is worse, period by period; when the evidence has reached 20 to 1 at
# any time, it rolls back. (How to bet well when traffic, rates and the start of the harm are unknown is the hard part;
# see `docs/decisions`.) This is the package's default, `evidence: sequential`. We give it **the same weeks** as the
# threshold rules.
#
# The gate needs one row per ticket, which takes about a tenth of a second per rollout. So it gets 100 of the harmless
# rollouts, not 10,000, and we say how sure that makes us.

# %%
gate_policy = {
    **policy,
    "metrics": {"override": {"kind": "proportion", "column": "overridden", "better": "lower"}},
    "kpi": {"weights": {"override": 1.0}},
    # no harm is tolerated; a harm of 3 points is the one that must be caught
    "rollback": {"override": {"worse_by": 0, "expect": "3pp"}},
}
gate_policy = rampgate.load_policy(gate_policy)
END = (MONDAY + pd.Timedelta(weeks=WEEKS)).date()


def as_table(n1, y1, n2, y2):
    """One row per ticket from the weekly counts of one rollout."""
    counts = np.stack([n1 - y1, y1, n2 - y2, y2], axis=1)
    kind = np.tile([0, 1, 2, 3], WEEKS).repeat(counts.ravel())
    return pd.DataFrame(
        {
            "ticket": np.arange(len(kind)),
            "opened_at": (MONDAY + pd.to_timedelta(7 * np.arange(WEEKS), unit="D")).repeat(counts.sum(axis=1)),
            "version": pd.Categorical.from_codes(kind // 2, ["v1", "v2"]),
            "overridden": kind % 2,
        }
    )


HARMLESS = 100
harmless = [
    rampgate.check(gate_policy, events=as_table(n1[i], y1[i], n2[i], y2[i]), as_of=END, ledger=None).decision
    == "rollback"
    for i in range(HARMLESS)
]
say(
    f"The gate rolls back {sum(harmless)} of {HARMLESS} harmless rollouts; the 2-point rule rolls back "
    f"{(naive[:HARMLESS] <= WEEKS).sum()} of the same {HARMLESS}. After 0 of {HARMLESS} the true share is very likely "
    f"below 3/{HARMLESS} = {3 / HARMLESS:.0%} (the *rule of three*); the promise is at most "
    f"{gate_policy.error_budget.false_rollback:.0%}."
)
assert sum(harmless) == 0  # the sentence about 0 needs it

# %% [markdown]
# One check at the end is enough here: a check looks back over all weeks, and a rollback that was due in any of them is
# still one. ("A skipped look costs nothing.") Let us make sure on a few, and then turn to the other side.
#
# ### And when v2 really is worse?
#
# Now v2's overrides are truly 3 points higher from its first day. When does each rule fire, and how many tickets were
# overridden for nothing until then? For a fair race we add a rule that nobody could use in practice: the threshold
# raised so far that it, too, rolls back only 5% of the harmless rollouts. (You need to simulate to find it.)

# %%
for i in range(3):
    every_week = rampgate.replay(gate_policy, events=as_table(n1[i], y1[i], n2[i], y2[i]))
    assert (every_week[-1].decision == "rollback") == harmless[i]

raised = np.quantile(worse.max(axis=1), 0.95)
HARM, HARMFUL = 0.03, 30
m1, x1, m2, x2 = rollouts(10_000, harm=HARM, seed=51)
worse_harmful = x2 / m2 - x1 / m1
pooled_rate = (x1 + x2) / (m1 + m2)
z_harmful = worse_harmful / np.sqrt(pooled_rate * (1 - pooled_rate) * (1 / m1 + 1 / m2))


def gate_fires(table):
    """Week in which the gate rolls back; 99 if it does not."""
    looks = rampgate.replay(gate_policy, events=table)
    return len(looks) if looks[-1].decision == "rollback" else 99


gate_harmful = np.array([gate_fires(as_table(m1[i], x1[i], m2[i], x2[i])) for i in range(HARMFUL)])
fired = {
    "2 points worse": (naive, first_week(worse_harmful > 0.02)),
    "weekly test at 5%": (tested, first_week(z_harmful > 1.96)),
    f"{100 * raised:.1f} points worse": (first_week(worse > raised), first_week(worse_harmful > raised)),
    "rampgate": (np.full(HARMLESS, 99), gate_harmful),  # no harmless one was rolled back, as we saw
}


def harmed(week, n2):
    """Extra overrides until the rollback: the harm times the tickets that v2 got."""
    until = np.minimum(week, WEEKS)
    return HARM * np.array([n[:stop].sum() for n, stop in zip(n2, until, strict=True)])


race = pd.DataFrame(
    {
        "harmless: rolled back": {k: (a <= WEEKS).mean() for k, (a, _) in fired.items()},
        "harmful: rolled back": {k: (b <= WEEKS).mean() for k, (_, b) in fired.items()},
        "harmful: median week": {k: np.median(b) for k, (_, b) in fired.items()},
        "harmful: overrides for nothing (mean)": {k: harmed(b, m2[: len(b)]).mean() for k, (_, b) in fired.items()},
    }
).rename_axis("rule")
race.assign(**{c: race[c].map(("{:.0%}" if i < 2 else "{:.0f}").format) for i, c in enumerate(race)})

# %%
reach = pd.DataFrame(
    [
        {"rule": rule, "week": week, "case": case, "share": (fires <= week).mean()}
        for rule, (calm, bad) in fired.items()
        for case, fires in (("nothing differs", calm), ("3 points worse from the first day", bad))
        for week in range(WEEKS + 1)
    ]
)
rules = list(fired)
step = (
    alt.Chart(reach)
    .mark_line(strokeWidth=2.5)
    .encode(
        x=alt.X("week", title="Week", axis=alt.Axis(values=list(range(0, 13, 2)), grid=False)),
        y=alt.Y("share", title="Rolled back so far", axis=alt.Axis(format=".0%"), scale=alt.Scale(domain=[0, 1])),
        color=alt.Color("rule", sort=rules, title="Rule",
                        scale=alt.Scale(domain=rules, range=[ORANGE, YELLOW, GREY, BLUE])),
        strokeDash=alt.StrokeDash("rule", sort=rules, title="Rule",
                                  scale=alt.Scale(domain=rules, range=[[1, 0], [8, 3], [2, 3], [1, 0]])),
    )
    .properties(width=220, height=210)
)  # fmt: skip
step.facet(alt.Column("case", title=None, sort=["nothing differs", "3 points worse from the first day"])).properties(
    title={
        "text": "A threshold is fast because it fires at anything; made honest, it is slow",
        "subtitle": f"{100 * raised:.1f} points is the threshold that rolls back 5% of the harmless rollouts",
        "anchor": "start",
    }
)

# %%
gate_late, honest_late = race.loc["rampgate"], race.iloc[2]
say(
    f"With no more false alarms than the raised threshold, the gate catches {gate_late.iloc[1]:.0%} of the harmful "
    f"candidates where the threshold catches {honest_late.iloc[1]:.0%}, and lets {gate_late.iloc[3]:.0f} overrides for "
    f"nothing happen where the threshold lets {honest_late.iloc[3]:.0f}. The gate remembers: weeks "
    "that are each a little worse add up."
)
assert gate_late.iloc[1] > honest_late.iloc[1]
assert gate_late.iloc[3] < honest_late.iloc[3]

# %% [markdown]
# **Question 8.** The 2-point rule has the fewest overrides for nothing. Is it the safest rule?
#
# <details><summary>Answer</summary>
#
# It is the safest in the way in which a fire alarm that always rings is safe. It also stops most of the good
# candidates, so nothing ever gets better, and soon nobody believes it. There is no free rule: fewer false alarms cost
# later true ones. What you can ask of a rule is that it **states its error rate and keeps it**. Then the business can
# choose the rate.
#
# </details>

# %% [markdown]
# ## 7. The ramp trap
#
# "Then I pool all weeks to get a large sample." On a ramp this is dangerous. Two weeks, by hand; both versions are
# **equal in each week**:

# %%
two_weeks = pd.DataFrame(
    {
        "tickets v1": [900, 500],
        "tickets v2": [100, 500],
        "SLA met v1": [720, 200],
        "SLA met v2": [80, 200],
    },
    index=pd.Index(["good week, 10% traffic", "bad week, 50% traffic"], name="week"),
)
two_weeks.loc["pooled"] = two_weeks.sum()
for version in ("v1", "v2"):
    two_weeks[f"share {version}"] = two_weeks[f"SLA met {version}"] / two_weeks[f"tickets {version}"]
two_weeks.round(3)

# %%
behind = two_weeks["share v1"] - two_weeks["share v2"]
assert (behind == 0).tolist() == [True, True, False]
say(
    f"Equal in both weeks, and pooled v2 is {100 * behind['pooled']:.0f} points worse. v2 got most of its "
    "tickets in the bad week, v1 in the good one. This is **Simpson's paradox**."
)

# %% [markdown]
# ### On real tickets
#
# The package ships 11,774 real incidents of one company, six weeks of 2016 (UCI data set 498, Amaral, Fantinato and
# Peres 2018, CC BY 4.0). There was no v2. We deal the incidents to "v1" and "v2" at random, on a ramp of 10, 25, then
# 50%: **by construction nothing differs.** But the company's service level swings widely.

# %%
log = pd.DataFrame([(t.number, t.opened_at, t.met_sla) for t in load()], columns=["ticket", "opened_at", "met_sla"])
log["opened_at"] = pd.to_datetime(log["opened_at"])
log["day"] = log["opened_at"].dt.normalize()
log["week"] = (log["day"] - log["day"].min()).dt.days // 7
log["traffic"] = np.array([0.10, 0.25, 0.50, 0.50, 0.50, 0.50])[log["week"]]
rng = np.random.default_rng(70)
log["version"] = np.where(rng.random(len(log)) < log["traffic"], "v2", "v1")
log.groupby("week").agg(
    tickets=("met_sla", "size"), met_sla=("met_sla", "mean"), traffic_of_v2=("traffic", "mean")
).round(2)

# %% [markdown]
# Two ways to compare what has been seen so far:
#
# - **pooled**: all tickets of v2 against all tickets of v1;
# - **within days**: compare the two versions within each day, and average the differences $D_t$ with the weights
#   $h_t = \dfrac{n_{1t}\, n_{2t}}{n_{1t} + n_{2t}}$. A day counts as much as it can tell: little if one version has few
#   tickets.


# %%
def both_ways(seen):
    """Pooled difference, its standard error, and the difference within days."""
    day = seen.groupby(["day", "version"])["met_sla"].agg(["mean", "size"]).unstack()
    day = day[day["size"].notna().all(axis=1)]  # days on which both versions had tickets
    a, b = day["size"]["v1"], day["size"]["v2"]
    h = a * b / (a + b)
    within = (h * (day["mean"]["v2"] - day["mean"]["v1"])).sum() / h.sum()
    arm = seen.groupby("version")["met_sla"].agg(["mean", "size"])
    p = seen["met_sla"].mean()
    error = np.sqrt(p * (1 - p) * (1 / arm["size"]).sum())
    return arm["mean"]["v2"] - arm["mean"]["v1"], error, within


log_policy = rampgate.load_policy(
    {
        "rollout": "incidents",
        "baseline": "v1",
        "candidate": "v2",
        "source": {"unit": "ticket", "time": "opened_at", "variant": "version"},  # look: day is the default
        "metrics": {"sla": {"kind": "proportion", "column": "met_sla"}},
        "kpi": {"weights": {"sla": 1.0}},
        "rollback": {"sla": {"worse_by": 0, "expect": "5pp"}},
        "phases": [{"traffic": "10%"}, {"traffic": "25%"}, {"traffic": "50%"}],
    }
)
looks = rampgate.replay(log_policy, events=log[["ticket", "opened_at", "version", "met_sla"]])
mondays = [look for look in looks if look.look.weekday() == 0]
compared = []
for week, look in enumerate(mondays, start=1):
    pooled, error, within = both_ways(log[log["week"] < week])
    sla = next(metric for metric in look.metrics if metric.name == "sla")
    assert np.isclose(sla.difference, within)
    assert np.isclose(sla.raw_candidate - sla.raw_baseline, pooled)
    compared.append(
        {"week": week, "pooled": pooled, "pooled z": pooled / error, "within days": within,
         "from": sla.lower, "to": sla.upper, "gate": look.decision}
    )  # fmt: skip
compared = pd.DataFrame(compared).set_index("week")
compared.round(3)

# %%
both = compared.reset_index()
both["pooled low"] = both["pooled"] - 1.96 * both["pooled"] / both["pooled z"]
both["pooled high"] = both["pooled"] + 1.96 * both["pooled"] / both["pooled z"]
long = pd.concat(
    [
        pd.DataFrame({"week": both["week"] - 0.06, "way": "pooled", "y": both["pooled"], "a": both["pooled low"],
                      "b": both["pooled high"]}),
        pd.DataFrame({"week": both["week"] + 0.06, "way": "within days (rampgate)", "y": both["within days"],
                      "a": both["from"], "b": both["to"]}),
    ]
)  # fmt: skip
long[["y", "a", "b"]] *= 100
WAYS = alt.Scale(domain=["pooled", "within days (rampgate)"], range=[ORANGE, BLUE])
seen_so_far = alt.Chart(long).encode(
    x=alt.X(
        "week",
        title="Weeks seen so far",
        scale=alt.Scale(domain=[0.7, 6.3]),
        axis=alt.Axis(values=[1, 2, 3, 4, 5, 6], format="d", grid=False),
    ),
    color=alt.Color("way", scale=WAYS, title="Comparison"),
)
zero = alt.Chart(pd.DataFrame({"y": [0]})).mark_rule(color=GREY, strokeDash=[6, 4]).encode(y="y")
bottom = (
    zero
    + seen_so_far.mark_rule(strokeWidth=2).encode(y=alt.Y("a", title="SLA, v2 - v1 (points)"), y2="b")
    + seen_so_far.mark_line().encode(y="y")
    + seen_so_far.mark_point(filled=True, size=70, opacity=1).encode(
        y="y",
        shape=alt.Shape("way", scale=alt.Scale(domain=WAYS.domain, range=["square", "circle"]), title="Comparison"),
    )
).properties(width=480, height=210)
level = (
    log.groupby("week")["met_sla"]
    .mean()
    .reset_index()
    .assign(week=lambda d: d["week"] + 1, points=lambda d: 100 * d["met_sla"])
)
top = (
    alt.Chart(level)
    .mark_bar(color="#b9c4cc", size=40)
    .encode(x=alt.X("week", title="Week", scale=alt.Scale(domain=[0.5, 6.5]),
                    axis=alt.Axis(values=[1, 2, 3, 4, 5, 6], format="d", grid=False)),
            y=alt.Y("points", title="SLA met (%)"))
    .properties(width=480, height=100)
)  # fmt: skip
alt.vconcat(top, bottom).properties(
    title={
        "text": "Nothing differs. Pooled, v2 looks worse, then better; within days, neither",
        "subtitle": "Top: the company's own level, all tickets. Bottom: difference so far, with 95% intervals",
        "anchor": "start",
    }
)

# %% [markdown]
# Was this one unlucky deal? Deal again, 1,000 times for the pooled test and 20 times for the gate.

# %%
rng = np.random.default_rng(71)
codes, met, traffic = log["week"].to_numpy(), log["met_sla"].to_numpy(float), log["traffic"].to_numpy()
called_worse, called_better = [], []
for _ in range(1000):
    v2 = rng.random(len(log)) < traffic
    n = np.array([np.bincount(codes[~v2], minlength=6), np.bincount(codes[v2], minlength=6)]).cumsum(axis=1)
    y = np.array([np.bincount(codes[arm], met[arm], minlength=6) for arm in (~v2, v2)]).cumsum(axis=1)
    p = y.sum(axis=0) / n.sum(axis=0)
    z = (y[1] / n[1] - y[0] / n[0]) / np.sqrt(p * (1 - p) * (1 / n).sum(axis=0))
    called_worse.append((z < -1.96).any())
    called_better.append(z[-1] > 1.96)

DEALS = 20
gate_says = []
for _ in range(DEALS):
    deal = log[["ticket", "opened_at", "met_sla"]].assign(version=np.where(rng.random(len(log)) < traffic, "v2", "v1"))
    gate_says.append(rampgate.check(log_policy, events=deal, as_of="2016-04-11", ledger=None).decision == "rollback")

say(
    f"The pooled test calls v2 worse at the end of some week in {np.mean(called_worse):.0%} of the deals, and better "
    f"at the very end in {np.mean(called_better):.0%}. The gate rolls back in {sum(gate_says)} of {DEALS}; at its "
    f"budget of 5% one would expect {0.05 * DEALS:.0f}, give or take {np.sqrt(0.05 * 0.95 * DEALS):.0f}. A larger "
    "simulation is in `tests/guarantees`."
)
assert np.mean(called_worse) == 1 == np.mean(called_better)
assert np.mean(gate_says) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / DEALS)

# %% [markdown]
# **Question 9.** A larger sample makes the pooled interval narrower. Does it help?
#
# <details><summary>Answer</summary>
#
# It makes things worse. The pooled comparison is **biased**: it estimates something else (which weeks each version
# got). More data give a narrower interval around the wrong number. A standard error tells you about noise, never about
# bias.
#
# </details>

# %% [markdown]
# ## 8. Two more traps
#
# ### The metric that nobody watched
#
# v2 has been tuned for the KPI, and the KPI goes up. The policy below judges the KPI alone.

# %%
tuned = simulate([0.5] * 4, effect={"accuracy": 0.06, "sla": 0.08, "override": 0.15, "missed": 0.015}, seed=80)
daily = {**policy["source"], "look": "day"}  # the default: the gate may look every day
kpi_only = {
    **policy,
    "source": daily,
    "rollback": {"kpi": {"worse_by": 0}},
    "phases": [{"traffic": "50%"}, {"traffic": "100%"}],
}
blind = rampgate.check(kpi_only, events=tuned, as_of="2026-02-02", ledger=None)
say(f"KPI {100 * blind.kpi.difference:+.1f} points, interval {100 * blind.kpi.lower:+.1f} to "
    f"{100 * blind.kpi.upper:+.1f}. Decision: **{blind.decision}**.")  # fmt: skip
assert blind.decision == "go"
assert blind.kpi.lower > 0

# %%
watched = pd.DataFrame({"metric": ["accuracy", "sla", "override", "missed incidents"],
                        "column": ["correct", "sla_met", "overridden", "missed"], "good": [1, 1, -1, -1]})  # fmt: skip
arm = tuned.groupby("version")[watched["column"].tolist()].agg(["mean", "size"])
rows = []
for _, m in watched.iterrows():
    p, n = arm[m["column"]]["mean"], arm[m["column"]]["size"]
    se = np.sqrt((p * (1 - p) / n).sum())
    d = p["v2"] - p["v1"]
    rows.append({"metric": m["metric"], "v1": p["v1"], "v2": p["v2"], "points": 100 * d, "low": 100 * (d - 1.96 * se),
                 "high": 100 * (d + 1.96 * se), "meaning": "better" if d * m["good"] > 0 else "worse"})  # fmt: skip
parts = pd.DataFrame(rows)
dots = alt.Chart(parts).encode(
    y=alt.Y("metric", title=None, sort=watched["metric"].tolist()),
    color=alt.Color(
        "meaning", title="For the business", scale=alt.Scale(domain=["better", "worse"], range=[GREEN, ORANGE])
    ),
)
(
    alt.Chart(pd.DataFrame({"x": [0]})).mark_rule(color=GREY, strokeDash=[6, 4]).encode(x="x")
    + dots.mark_rule(strokeWidth=3).encode(x=alt.X("low", title="v2 - v1 (points), 95% interval"), x2="high")
    + dots.mark_point(filled=True, size=110, opacity=1).encode(
        x="points",
        shape=alt.Shape("meaning", title="For the business",
                        scale=alt.Scale(domain=["better", "worse"], range=["circle", "diamond"])),
    )
).properties(
    height=150,
    title={
        "text": f"The KPI gains {100 * blind.kpi.difference:.1f} points while missed incidents go from "
                f"{parts['v1'].iloc[3]:.1%} to {parts['v2'].iloc[3]:.1%}",
        "subtitle": "Gains of accuracy and SLA outweigh the overrides; missed incidents are not in this KPI at all",
    },
)  # fmt: skip

# %% [markdown]
# An average can always be bought: lose a little here, gain more there. What must **not** be traded away gets a rule of
# its own:
#
# - a **guardrail**: the metric may be worse by at most a margin; beyond it the rollout holds;
# - a **rollback criterion**: worse by more than this, and v2 goes back, whatever the KPI says.
#
# Each criterion gets a verdict: `FAIL` (shown to be too bad), `PASS` (shown to be good enough), or `INCONCLUSIVE`
# (neither is shown yet). The *onset* in the reason is the day from which the harm seems to have begun.

# %%
guarded_policy = {
    **kpi_only,
    "metrics": {**policy["metrics"], "missed": {"kind": "proportion", "column": "missed", "better": "lower"}},
    "guardrails": {"override": {"margin": "2pp"}},
    "rollback": {"kpi": {"worse_by": 0}, "missed": {"worse_by": 0, "expect": "1pp"}},
}
guarded = rampgate.check(guarded_policy, events=tuned, as_of="2026-02-02", ledger=None)
criteria = pd.DataFrame(
    [(c.kind, c.metric, c.bound_text, c.verdict) for c in guarded.criteria],
    columns=["kind", "metric", "bound", "verdict"],
)
display(criteria)
say(f"Decision: **{guarded.decision}**. {guarded.reasons[0].message}.")

# %%
verdicts = criteria.set_index(["kind", "metric"])["verdict"]
assert guarded.decision == "rollback"
assert verdicts["rollback", "missed"] == verdicts["guardrail", "override"] == "FAIL"
assert verdicts["guardrail", "kpi"] == "PASS"

# %% [markdown]
# ### The average that hides a queue
#
# Another v2 is 2 points more accurate on mail and desk problems, and much worse on network problems, which are a tenth
# of the tickets.

# %%
uneven = simulate([0.5] * 5, effect={"accuracy": 0.02}, network=-0.20, seed=81)
groups = [("all tickets", uneven), *uneven.groupby("queue")]
rows = []
for name, part in groups:
    arm = part.groupby("version")["correct"].agg(["mean", "size"])
    se = np.sqrt((arm["mean"] * (1 - arm["mean"]) / arm["size"]).sum())
    d = arm["mean"]["v2"] - arm["mean"]["v1"]
    rows.append(
        {
            "queue": name,
            "tickets": len(part),
            "points": 100 * d,
            "low": 100 * (d - 1.96 * se),
            "high": 100 * (d + 1.96 * se),
        }
    )
by_queue = pd.DataFrame(rows).sort_values("tickets", ascending=False)
hidden = by_queue.set_index("queue")["points"]

lanes = alt.Chart(by_queue).encode(
    y=alt.Y("queue", title=None, sort=by_queue["queue"].tolist()),
    color=alt.condition("datum.queue == 'all tickets'", alt.value("#333333"), alt.value(BLUE)),
)
(
    alt.Chart(pd.DataFrame({"x": [0]})).mark_rule(color=GREY, strokeDash=[6, 4]).encode(x="x")
    + lanes.mark_rule(strokeWidth=3).encode(x=alt.X("low", title="Accuracy, v2 - v1 (points), 95% interval"), x2="high")
    + lanes.mark_point(filled=True, size=110, opacity=1).encode(x="points")
).properties(
    height=150,
    title={
        "text": f"All tickets together: {hidden['all tickets']:+.1f} points. Network: {hidden['network']:+.1f}",
        "subtitle": "Accuracy by queue, five weeks, half of the tickets to each version",
    },
)

# %% [markdown]
# `segments` gives the policy a criterion for each queue, with an error budget of its own.

# %%
whole_policy = {**policy, "source": daily, "guardrails": {"accuracy": {"margin": "5pp"}}}
segment_policy = {**whole_policy, "segments": {"by": ["queue"], "guardrails": {"accuracy": {"margin": "5pp"}}}}
whole = rampgate.check(whole_policy, events=uneven, as_of="2026-02-09", ledger=None)
split = rampgate.check(segment_policy, events=uneven, as_of="2026-02-09", ledger=None)
say(f"Without segments: **{whole.decision}**. With segments: **{split.decision}**. {split.reasons[0].message}.")

# %%
assert whole.decision == "go"
assert split.decision == "hold"
assert split.reasons[0].group.value == "network"
assert abs(hidden["all tickets"]) < 2 < -hidden["network"]

# %% [markdown]
# **Question 10.** A colleague has 50 queues, computes a 95% interval for each, and finds three that are "significantly
# worse". Can that be if nothing differs?
#
# <details><summary>Answer</summary>
#
# 50 chances of 2.5% give 1.25 false alarms on average, and three are no surprise. It is peeking again, across queues
# instead of weeks. The error budget must be **shared** among the queues, which makes each of them slower. This is why
# the package keeps one budget for all segments, and says "too little data" instead of guessing where a queue is small.
#
# </details>

# %%
assert 50 * 0.025 == 1.25

# %% [markdown]
# ## 9. Checklist
#
# Before the launch, in a file that others have agreed to:
#
# 1. **What counts?** Metrics, which direction is good, worst and best, weights that sum to 1.
# 2. **What may never be traded away?** A guardrail or a rollback criterion each.
# 3. **For whom?** The segments in which it must hold too.
# 4. **How much harm is tolerated, and how often may the gate be wrong?** Numbers, not "significant".
# 5. **Which phases?** Share of traffic, minimum time and size of each.
#
# While it runs:
#
# 6. **Random split**, both versions at the same time.
# 7. **Compare within days or weeks**, then combine. Never pool over a ramp.
# 8. **Every look counts.** Use evidence that may be looked at any time, or count your looks.
# 9. **Say what you could not have seen.** "No evidence of harm" is not "safe".
# 10. **Write down each decision** with the numbers behind it. (`rampgate check` keeps a ledger.)
#
# ## Exercises
#
# Try them in new cells; solutions that run are below.
#
# **A.** *Weights.* For the ten tickets of section 2: keep the weight of override at 0.25 and move weight from SLA to
# accuracy. At which weight of accuracy do v1 and v2 have the same KPI?
#
# **B.** *Less traffic.* With 150 tickets a day instead of 300, does the 2-point rule roll back more harmless rollouts
# or fewer? Guess, then simulate.
#
# **C.** *Simpson by design.* Find two weeks in which v2 is **better in both** and worse when pooled.
#
# **D.** *Tolerated harm.* Give the gate `worse_by: 2pp` and the candidate that is truly 3 points worse. Does it still
# roll back? Why should it?
#
# **E.** *Your own system.* Write the policy for a system that you know: three metrics, weights, one guardrail, one
# rollback criterion, three phases. Which number was the hardest to agree on?

# %% [markdown]
# ## Solutions
#
# **A.** With weight $w$ for accuracy and $0.75 - w$ for SLA: v1 has $0.9w + 0.8(0.75 - w) + 0.2$, v2 has
# $1.0w + 0.6(0.75 - w) + 0.175$. Set them equal.

# %%
w = (0.2 * 0.75 + 0.2 - 0.175) / (1.0 - 0.6 - 0.9 + 0.8)
assert np.isclose(0.9 * w + 0.8 * (0.75 - w) + 0.2, 1.0 * w + 0.6 * (0.75 - w) + 0.175)
say(f"w = {w:.3f}: whoever values accuracy more than that prefers v2. The winner is decided by the weights: agree on "
    "them before you see the numbers.")  # fmt: skip

# %% [markdown]
# **B.** Fewer tickets make each week noisier, and the threshold does not know.

# %%
a1, b1, a2, b2 = rollouts(10_000, harm=0.0, seed=90, per_week=PER_WEEK // 2)
half, half_error = share_and_error((b2 / a2 - b1 / a1 > 0.02).any(axis=1))
say(f"{half:.1%} (error {half_error:.1%}), where 300 tickets a day gave {share:.1%}.")
assert half > share

# %% [markdown]
# **C.** Give v2 most of its tickets in the bad week, and let the weeks differ by more than the versions do.

# %%
good = {"v1": (720, 900), "v2": (83, 100)}
bad = {"v1": (200, 500), "v2": (210, 500)}
rate = {
    v: (good[v][0] / good[v][1], bad[v][0] / bad[v][1], (good[v][0] + bad[v][0]) / (good[v][1] + bad[v][1]))
    for v in good
}
assert rate["v2"][0] > rate["v1"][0]
assert rate["v2"][1] > rate["v1"][1]
assert rate["v2"][2] < rate["v1"][2]
pd.DataFrame(rate, index=["good week", "bad week", "pooled"]).round(3)

# %% [markdown]
# **D.** The gate now has to prove a harm of **more than 2 points**, and only 1 point of the true 3 is beyond.

# %%
tolerant = rampgate.load_policy(
    {**gate_policy.canonical(), "rollback": {"override": {"worse_by": "2pp", "expect": "3pp"}}}
)
caught = [
    rampgate.check(tolerant, events=as_table(m1[i], x1[i], m2[i], x2[i]), as_of=END, ledger=None).decision == "rollback"
    for i in range(20)
]
say(
    f"Rolled back in 12 weeks: {sum(caught)} of {len(caught)}, where no tolerated harm gave "
    f"{(gate_harmful[:20] <= WEEKS).sum()}. `worse_by` is the harm that you accept, not the harm that you want to "
    "catch: if 3 points must be caught, tolerate less."
)
assert sum(caught) < (gate_harmful[:20] <= WEEKS).sum()

# %% [markdown]
# **E.** There is no single solution. In most teams the hardest number is the tolerated harm, because it makes someone
# say aloud how many bad outcomes are acceptable. Check your file with `rampgate validate policy.yaml`: it prints every
# criterion as a sentence.
