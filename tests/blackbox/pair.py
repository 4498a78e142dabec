"""The exchange as a process of its own, so that it goes on while the service is killed and started again."""
import json
import pathlib
import shutil
import signal
import tempfile

from harness import Program, free_ports, request, until

EXCHANGE_TENANT = "7e1f3c52-0b6a-4c0e-9d5e-2b4f8a91c370"
EXCHANGE_APP = "c2a6f0d4-58f1-4be7-a3a9-61d07be5f9a2"


class Pair:
    """The exchange as a process of its own, and a service at it that can be killed and started again."""

    def __init__(self, flows=None, switch=()):
        """`switch`: settings of the exchange alone."""
        self.port, self.admin, self.exchange = free_ports(3)
        self.data = tempfile.mkdtemp(prefix="ivory-data-")
        secret = pathlib.Path(self.data, "secret")
        secret.write_text("exchange")
        x = f"http://127.0.0.1:{self.exchange}"
        self.sets = [f"listen=127.0.0.1:{self.port}", f"admin.listen=127.0.0.1:{self.admin}", f"data={self.data}",
                     f"public_url=http://127.0.0.1:{self.port}", f"exchange.listen=127.0.0.1:{self.exchange}",
                     f"exchange.webhook=http://127.0.0.1:{self.port}/api/calls"]
        if flows:
            self.sets.append(f"flows={flows}")
        self.graph = [f"graph.url={x}", f"graph.authority={x}", f"graph.tenant={EXCHANGE_TENANT}",
                      f"graph.app_id={EXCHANGE_APP}", f"graph.secret_file={secret}",
                      f"inbound.openid={x}/v1/.well-known/OpenIdConfiguration"]
        self.switch = Program("exchange", *self.with_sets(switch))
        self.switch.says("exchange at port")
        self.start()

    def with_sets(self, more=()):
        return [a for s in [*self.sets, *more] for a in ("--set", s)]

    def launch(self):
        self.service = Program("serve", *self.with_sets(self.graph))

    def start(self):
        self.launch()
        until("the service", lambda: self.service.p.poll() is not None or self.ready())

    def ready(self):
        try:
            return request(self.admin, "GET", "/readyz")[0] == 200
        except OSError:
            return False

    def crash(self):
        self.service.stop(signal.SIGKILL)
        self.start()

    def phone(self, *args):
        return Program("phone", *args, *self.with_sets())

    def calls(self):
        return json.loads(request(self.admin, "GET", "/admin/v1/calls")[1])

    def stop(self):
        self.service.stop()
        self.switch.stop()
        shutil.rmtree(self.data, ignore_errors=True)
