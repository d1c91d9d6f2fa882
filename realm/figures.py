"""What the operator is told of how the realm fares: what the broker counts, and what the core knows."""

from realm.context import Ctx
from realm.federation import peers
from realm.jobs import CountUp, Result
from realm.outcome import LATER, Later
from schemas import operator
from schemas.answers import Answer
from schemas.figures import Served


def figures(ctx: Ctx, _command: operator.Figures) -> Later:
    """Have the broker count up."""
    ctx.run(CountUp(ctx.request))
    return LATER


def finish(ctx: Ctx, job: CountUp, result: Result) -> Answer:
    """It has; of a realm that does not run there is nothing to count."""
    return operator.FiguresSeen(
        id=job.ask.call,
        realm=ctx.realm,
        key=ctx.rules.key,
        home=ctx.rules.home,
        now=ctx.now,
        sessions=ctx.view.sessions(),
        active=len(ctx.active_names()),
        file_bytes=ctx.tx.blob_bytes(),
        file_room=ctx.settings.files.realm_bytes,
        uploads=len(ctx.view.uploads()),
        moving=ctx.view.moving(),
        peers=[peers.seen_closely(ctx, peer) for peer in ctx.view.peers.all()],
        served=result if isinstance(result, Served) else None,
    )
