"""A webhook's receiver on this machine, which checks signatures with the public library."""

from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.test_utils import TestServer
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER_SECRET = "whsec_" + "C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


class WebhookReceiver:
    """Takes what is signed with its secret; answers as `answers` say, one by one, then 204.

    `taken` are the bodies by id, `seen` the ids in the order in which they came, `refused` what the library refused.
    """

    def __init__(self, secret=SECRET):
        self.verifier = Webhook(secret)
        self.answers = []
        self.taken = {}
        self.seen = []
        self.refused = []
        self.headers = []
        self.url = ""

    async def answer(self, request):
        body = await request.read()
        self.headers.append(dict(request.headers))
        try:
            event = self.verifier.verify(body, dict(request.headers))
        except WebhookVerificationError as error:
            self.refused.append(str(error))
            return web.Response(status=401)
        self.seen.append(event["id"])
        answer = self.answers.pop(0) if self.answers else web.Response(status=204)
        if callable(answer):
            return await answer(request)
        if 200 <= answer.status < 300:
            self.taken[event["id"]] = event
        return answer

    @asynccontextmanager
    async def served(self):
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.answer)
        async with TestServer(app) as server:
            self.url = str(server.make_url("/hook"))
            yield self
