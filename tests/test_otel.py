"""Messages and spans through OpenTelemetry's own exporter, to a server that decodes them with the protocol's own package."""

from __future__ import annotations

import asyncio
import gzip
import logging
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from hycore import InstanceContext, PluginEXT, hydebug, hyerror, hyinfo, hywarn
from hycore.base.api import ApplicationInfo, InstanceCreateInfo, VersionInfo
from hycore.ext import Inventory
from hycore.ext.hylog import LogCreateInfoEXT, LogMessageEXT, LogPluginEXT
from hycore.ext.hylogging import LoggingCreateInfoEXT, LoggingPluginEXT
from hycore.utils.error import MissingPackageError, PluginFailedError
from hypi.api import InstanceEXT
from hypi.app import load_application
from hypi.ext.otel import OtelCreateInfoEXT, OtelPluginEXT

LOGGER, LOGGING, OTEL = LogPluginEXT.NAME, LoggingPluginEXT.NAME, OtelPluginEXT.NAME


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the machine's own OpenTelemetry."""
    for name in os.environ:
        if name.startswith("OTEL_"):
            monkeypatch.delenv(name)


class Collector:
    """An OTLP/HTTP server on the loopback, and what it got, decoded."""

    def __init__(self) -> None:
        from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

        kinds = {"/v1/logs": ExportLogsServiceRequest, "/v1/traces": ExportTraceServiceRequest}
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        self.delay = 0.0
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                time.sleep(collector.delay)
                request = kinds[self.path]()
                request.ParseFromString(body)
                collector.requests.append((self.path, dict(self.headers), request))
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join(10)
        self.server.server_close()

    @property
    def records(self) -> list[tuple[str, Any]]:
        """Each log record, with the name of its scope."""
        return [
            (scope.scope.name, record)
            for path, _, request in self.requests
            if path == "/v1/logs"
            for resource in request.resource_logs
            for scope in resource.scope_logs
            for record in scope.log_records
        ]

    @property
    def texts(self) -> list[str]:
        return [record.body.string_value for scope, record in self.records if not scope.startswith("hycore.")]

    @property
    def spans(self) -> list[Any]:
        return [
            span
            for path, _, request in self.requests
            if path == "/v1/traces"
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def span(self, name: str) -> Any:
        (span,) = [span for span in self.spans if span.name == name]
        return span

    def below(self, span: Any) -> list[str]:
        return [each.name for each in self.spans if each.parent_span_id == span.span_id]

    def resource(self) -> dict[str, str]:
        request = self.requests[0][2]
        resources = getattr(request, "resource_logs", None) or request.resource_spans
        return attributes(resources[0].resource)


def attributes(thing: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in thing.attributes}


@pytest.fixture
def collector() -> Iterator[Collector]:
    for package in ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http", "opentelemetry.proto"):
        pytest.importorskip(package, reason=f"{package} is not installed: nothing can be sent")
    collector = Collector()
    yield collector
    collector.close()


def request(*ext: object, enabled: tuple[str, ...]) -> InstanceCreateInfo:
    application = ApplicationInfo("shop", VersionInfo(1, 2, 3), "Engine", VersionInfo(1))
    return InstanceCreateInfo(application, enabled, ext=ext)


def create(
    *ext: object,
    enabled: tuple[str, ...] = (OTEL,),
    inventory: Inventory | None = None,
    profile: bool = False,
) -> InstanceContext:
    return InstanceContext.create(request(*ext, enabled=enabled), inventory=inventory, profile=profile)


def inventory_of(*plugins: type[PluginEXT]) -> Inventory:
    inventory = Inventory(group=None)
    for plugin in (LogPluginEXT, OtelPluginEXT, *plugins):
        inventory.submit(plugin)
    return inventory


def plugin_of(name: str, act: Callable[[Any, str], object]) -> type[PluginEXT]:
    class Local(PluginEXT):
        UUID = uuid.uuid5(uuid.NAMESPACE_DNS, name)
        NAME = name
        DESCRIPTION = name

        def attach_to(self, instance: Any) -> None:
            act(self, "attach_to")

        def initialize(self) -> None:
            act(self, "initialize")

        def teardown(self) -> None:
            act(self, "teardown")

    return Local


def test_a_message_arrives_with_all_its_facts(collector: Collector) -> None:
    """As the protocol has them: severity, time, text, place, thread, exception; the application is the service."""
    heard: list[LogMessageEXT] = []
    with create(OtelCreateInfoEXT(collector.endpoint, {"x-key": "secret"})) as instance:
        instance.ext.listen(heard.append)
        hydebug(instance, "below the level")
        try:
            1 / 0
        except ZeroDivisionError as error:
            hyerror(instance, "failed {}", 3, exc=error)
    (record,) = [record for scope, record in collector.records if scope == __name__]
    message = heard[0]
    assert record.body.string_value == "failed 3"
    assert (record.severity_number, record.severity_text) == (17, "ERROR")
    assert record.time_unix_nano == round(message.timepoint.timestamp() * 1e6) * 1000
    assert attributes(record) == {
        "code.file.path": __file__,
        "code.function.name": f"{__name__}.test_a_message_arrives_with_all_its_facts",
        "code.line.number": message.line,
        "thread.name": "MainThread",
        "exception.stacktrace": message.exception,
    }
    assert (record.trace_id, record.span_id) == (b"", b"")
    resource = collector.resource()
    assert (resource["service.name"], resource["service.version"]) == ("shop", "1.2.3")
    assert all(headers["x-key"] == "secret" for _, headers, _ in collector.requests)


@pytest.mark.parametrize("level", range(5))
def test_severities(collector: Collector, level: int) -> None:
    """The first of each of the protocol's ranges."""
    from hycore.ext.hylog import hylog

    with create(OtelCreateInfoEXT(collector.endpoint, level=level, spans=False)) as instance:
        hylog(instance, level, "text")
    (record,) = [record for scope, record in collector.records if scope == __name__]
    assert record.severity_number == (1, 5, 9, 13, 17)[level]
    assert record.severity_text == ("TRACE", "DEBUG", "INFO", "WARN", "ERROR")[level]


def test_a_message_has_the_trace_context_of_who_logs_it(collector: Collector) -> None:
    """On its own thread, and in its own task."""
    from opentelemetry.sdk.trace import TracerProvider

    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("host")
    spans: dict[str, Any] = {}

    async def task(name: str) -> None:
        with tracer.start_as_current_span(name) as span:
            spans[name] = span.get_span_context()
            await asyncio.sleep(0)
            hyinfo(instance, name)

    async def both() -> None:
        await asyncio.gather(task("a"), task("b"))

    with create(OtelCreateInfoEXT(collector.endpoint)) as instance:
        asyncio.run(both())
        with tracer.start_as_current_span("main"):
            thread = threading.Thread(target=hyinfo, args=(instance, "thread"))
            thread.start()
            thread.join(10)
    found = {record.body.string_value: record for scope, record in collector.records}
    for name in ("a", "b"):
        assert found[name].trace_id == spans[name].trace_id.to_bytes(16, "big")
        assert found[name].span_id == spans[name].span_id.to_bytes(8, "big")
    assert found["thread"].trace_id == b""


@pytest.mark.parametrize("enabled", [(LOGGER, OTEL, "talk"), (OTEL, LOGGER, "talk"), ("talk", LOGGER, OTEL)])
def test_the_logger_gets_them_too(collector: Collector, enabled: tuple[str, ...]) -> None:
    """Each from its own level on, whatever the order, also what is logged before either of them is up."""
    sink: list[str] = []

    def act(plugin: Any, phase: str) -> None:
        hydebug(plugin.instance, "debug {}", phase)
        hyinfo(plugin.instance, "info {}", phase)

    with create(
        LogCreateInfoEXT("DEBUG", lambda message: sink.append(message.message)),
        OtelCreateInfoEXT(collector.endpoint),
        enabled=enabled,
        inventory=inventory_of(plugin_of("talk", act)),
    ) as instance:
        hywarn(instance, "up")
    wanted = ["info attach_to", "info initialize", "up", "info teardown"]
    if enabled[0] == "talk":  # it ends when the others have ended
        wanted.pop()
    assert [text for text in collector.texts if text in wanted or "debug" in text] == wanted
    assert [text for text in sink if text in wanted] == wanted
    assert sink.count("debug attach_to") == sink.count("debug initialize") == 1


def test_records_of_logging_are_sent_too(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    """What OpenTelemetry itself logs while it sends is not, or it would never end."""
    monkeypatch.setenv("OTEL_BLRP_SCHEDULE_DELAY", "10")  # milliseconds
    heard: list[str] = []
    with create(
        LoggingCreateInfoEXT(["root"], "DEBUG"),
        OtelCreateInfoEXT(collector.endpoint, level="DEBUG"),
        enabled=(LOGGING, OTEL),
    ) as instance:
        instance.ext.listen(lambda message: heard.append(message.module), level=0)
        logging.getLogger("library").debug("text")
        until = time.monotonic() + 10
        while not any(name.startswith("urllib3") for name in heard) and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.1)  # what was logged while it was sent would be sent now
    assert any(name.startswith("urllib3") for name in heard)
    scopes = {scope for scope, _ in collector.records}
    assert "library" in scopes
    assert not any(scope.startswith(("urllib3", "opentelemetry")) for scope in scopes)


def test_a_text_that_is_no_unicode_costs_nothing_else(collector: Collector) -> None:
    """A lone surrogate, of a file name, is escaped."""
    with create(OtelCreateInfoEXT(collector.endpoint)) as instance:
        hyinfo(instance, "bad \udc80 name")
        hyinfo(instance, "next")
    assert collector.texts == ["bad \\udc80 name", "next"]


def test_the_phases_are_spans(collector: Collector) -> None:
    """One for the creation and one for the teardown, and below them each hook with its true times (`profile=True`)."""
    from opentelemetry.sdk.trace import TracerProvider

    def act(plugin: Any, phase: str) -> None:
        time.sleep(0.01)

    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("host")
    before = time.time_ns()
    with tracer.start_as_current_span("host") as host:
        instance = create(
            OtelCreateInfoEXT(collector.endpoint),
            enabled=(OTEL, "a", "b"),
            inventory=inventory_of(plugin_of("a", act), plugin_of("b", act)),
            profile=True,
        )
        up = time.time_ns()
    report = instance.report()
    instance.close()
    creation, teardown = collector.span("hyperion.create"), collector.span("hyperion.teardown")
    assert creation.parent_span_id == host.get_span_context().span_id.to_bytes(8, "big")
    assert teardown.parent_span_id == b""
    assert teardown.links[0].span_id == creation.span_id
    assert collector.below(creation) == [
        f"{phase} {name}" for phase in ("new", "attach_to", "initialize") for name in (OTEL, "a", "b")
    ]
    assert sorted(collector.below(teardown)) == sorted([f"teardown {OTEL}", "teardown a", "teardown b"])
    assert before <= creation.start_time_unix_nano <= creation.end_time_unix_nano <= up
    end = 0
    for phase in ("new", "attach_to", "initialize"):
        for extension in report.extensions:
            span = collector.span(f"{phase} {extension.name}")
            assert span.start_time_unix_nano >= end
            end = span.end_time_unix_nano
            assert end - span.start_time_unix_nano == round(extension.times[phase] * 1e9)
            assert attributes(span) == {"hyperion.extension": extension.name, "hyperion.phase": phase}
    assert collector.span("initialize b").end_time_unix_nano == creation.end_time_unix_nano
    assert (
        collector.span("teardown b").end_time_unix_nano <= collector.span("teardown a").start_time_unix_nano
    )
    assert attributes(creation) == {"hyperion.application": "shop 1.2.3", "hyperion.extensions": 3}
    assert {creation.status.code, teardown.status.code} == {0}


def test_without_times_the_phases_are_one_span_each(collector: Collector) -> None:
    """As long as the extension could see them."""
    with create(OtelCreateInfoEXT(collector.endpoint, logs=False)):
        assert collector.spans == []
    assert [span.name for span in collector.spans] == ["hyperion.create", "hyperion.teardown"]
    assert collector.records == []


def test_the_span_of_the_creation_is_made_when_it_is_over(collector: Collector) -> None:
    """Not when the instance ends, which may be months later."""
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    with create(OtelCreateInfoEXT(level="ERROR", logs=False, tracer_provider=provider)):
        assert [span.name for span in memory.get_finished_spans()] == ["hyperion.create"]
    assert [span.name for span in memory.get_finished_spans()] == ["hyperion.create", "hyperion.teardown"]


def test_a_creation_that_fails_is_a_span_of_an_error(collector: Collector) -> None:
    """With the hooks that have run; nothing is torn down that was not up."""

    def act(plugin: Any, phase: str) -> None:
        if phase == "initialize":
            raise ValueError("no")

    with pytest.raises(PluginFailedError):
        create(
            OtelCreateInfoEXT(collector.endpoint),
            enabled=("a", OTEL),
            inventory=inventory_of(plugin_of("a", act)),
            profile=True,
        )
    (creation,) = [span for span in collector.spans if span.name.startswith("hyperion.")]
    assert (creation.name, creation.status.code) == ("hyperion.create", 2)
    assert creation.status.message == "the creation failed, and was undone"
    assert collector.below(creation)[-1] == "initialize a"


def test_failures_and_what_is_set_aside_stand_in_the_spans(collector: Collector) -> None:
    """As events, and a teardown that failed as an error."""

    def fail(plugin: Any, phase: str) -> None:
        if phase == "teardown":
            raise ValueError("no")

    info = InstanceCreateInfo(
        ApplicationInfo("shop", VersionInfo(1), "Engine", VersionInfo(1)),
        [OTEL, "a"],
        ext=[OtelCreateInfoEXT(collector.endpoint)],
        optional_extensions=["missing"],
    )
    instance = InstanceContext.create(info, inventory=inventory_of(plugin_of("a", fail)))
    with pytest.raises(ExceptionGroup):
        instance.close()
    creation, teardown = collector.span("hyperion.create"), collector.span("hyperion.teardown")
    assert attributes(creation.events[0])["hyperion.extension"] == "missing"
    assert "failed in teardown: ValueError: no" in attributes(teardown.events[0])["hyperion.failure"]
    assert teardown.status.code == 2


def test_an_asynchronous_host_has_them_too(collector: Collector) -> None:
    """The times of what was awaited are those until its end."""

    class Slow(PluginEXT):
        UUID = uuid.uuid4()
        NAME = "slow"
        DESCRIPTION = "Waits"

        async def initialize(self) -> None:
            await asyncio.sleep(0.05)

    async def main() -> None:
        info = request(OtelCreateInfoEXT(collector.endpoint), enabled=(OTEL, "slow"))
        async with await InstanceContext.acreate(
            info, inventory=inventory_of(Slow), profile=True
        ) as instance:
            hyinfo(instance, "text")

    asyncio.run(main())
    span = collector.span("initialize slow")
    assert span.end_time_unix_nano - span.start_time_unix_nano >= 45_000_000
    assert collector.texts == ["text"]


def test_providers_of_the_host_get_everything(collector: Collector) -> None:
    """And are not ended by us."""
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(
        BatchLogRecordProcessor(OTLPLogExporter(f"{collector.endpoint}/v1/logs"))
    )
    for _ in range(2):
        with create(OtelCreateInfoEXT(spans=False, logger_provider=provider)) as instance:
            hyinfo(instance, "text")
    provider.shutdown()
    assert collector.texts == ["text", "text"]


def test_the_environment_says_where_to(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what the service is called, where the configuration does not."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint)
    monkeypatch.setenv("OTEL_SERVICE_NAME", "from the environment")
    create().close()
    assert {path for path, _, _ in collector.requests} == {"/v1/logs", "/v1/traces"}
    assert collector.resource()["service.name"] == "from the environment"
    collector.requests.clear()
    create(OtelCreateInfoEXT(service_name="mine")).close()
    assert collector.resource()["service.name"] == "mine"
    collector.requests.clear()
    monkeypatch.delenv("OTEL_SERVICE_NAME")
    monkeypatch.setenv(
        "OTEL_RESOURCE_ATTRIBUTES", "service.name=of the resource,service.version=9,host.name=here"
    )
    create().close()
    resource = collector.resource()
    assert (resource["service.name"], resource["service.version"]) == ("of the resource", "9")
    assert resource["host.name"] == "here"


def test_the_environment_says_that_nothing_is_sent(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for everything that uses OpenTelemetry."""
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    with create(OtelCreateInfoEXT(collector.endpoint)) as instance:
        hyinfo(instance, "text")
    assert collector.requests == []


def test_nothing_of_the_whole_process_is_set(collector: Collector) -> None:
    """What the host has for all of it, or will have, is its own."""
    from opentelemetry import _logs, trace

    with create(OtelCreateInfoEXT(collector.endpoint)) as instance:
        hyinfo(instance, "text")
    assert (trace._TRACER_PROVIDER, _logs._internal._LOGGER_PROVIDER) == (None, None)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_sends_its_own(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing of what its parent has not sent yet; it sends from time to time, and not at its end."""
    monkeypatch.setenv("OTEL_BLRP_SCHEDULE_DELAY", "200")  # milliseconds
    with create(OtelCreateInfoEXT(collector.endpoint, spans=False)) as instance:
        hyinfo(instance, "parent")
        child = os.fork()
        if child == 0:
            try:
                hyinfo(instance, "child")
                time.sleep(1)
                hyinfo(instance, "lost")
                instance.close()
                os._exit(0)
            finally:
                os._exit(1)
        assert os.waitpid(child, 0)[1] == 0
    assert sorted(collector.texts) == ["child", "parent"]


def test_an_application_file_configures_it(collector: Collector, tmp_path: Path) -> None:
    """As a table of the extension."""
    path = tmp_path / "app.toml"
    path.write_text(f"""
[application]
name = "shop"
version = "1.0.0"
[engine]
name = "Engine"
version = "1.0.0"
[instance]
enabled_extensions = ["{OTEL}"]
[ext.{OTEL}]
endpoint = "{collector.endpoint}/"
headers = {{x-key = "secret"}}
level = "warn"
spans = false
""")
    with load_application(path).create() as instance:
        hyinfo(instance, "low")
        hywarn(instance, "high")
    assert collector.texts == ["high"]
    assert collector.spans == []


def test_the_end_of_the_process_sends_what_is_left(collector: Collector) -> None:
    """Without `close`; also where there are no new threads by then (Python 3.12)."""
    code = f"""
from hycore import InstanceContext, hyinfo
from hycore.base.api import ApplicationInfo, InstanceCreateInfo, VersionInfo
from hypi.ext.otel import OtelCreateInfoEXT
application = ApplicationInfo("shop", VersionInfo(1), "Engine", VersionInfo(1))
ext = [OtelCreateInfoEXT({collector.endpoint!r})]
instance = InstanceContext.create(InstanceCreateInfo(application, [{OTEL!r}], ext=ext))
hyinfo(instance, "text")
"""
    done = subprocess.run([sys.executable, "-P", "-c", code], check=False, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert collector.texts == ["text"]
    assert [span.name for span in collector.spans] == ["hyperion.create", "hyperion.teardown"]


def test_a_collector_that_hangs_holds_the_end_up_no_longer_than_the_timeout(
    collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told on the way that OpenTelemetry has, and disturbs nobody."""
    collector.delay = 3
    instance = create(OtelCreateInfoEXT(collector.endpoint, timeout=0.3))
    hyinfo(instance, "text")
    before = time.monotonic()
    instance.close()
    assert time.monotonic() - before < 2.5
    assert any(record.name.startswith(("hypi.ext.otel", "opentelemetry")) for record in caplog.records)


def test_no_collector_disturbs_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """What cannot be sent is lost, and the instance ends as it would."""
    pytest.importorskip("opentelemetry.sdk", reason="OpenTelemetry is not installed: nothing can be sent")
    before = time.monotonic()
    with create(OtelCreateInfoEXT("http://127.0.0.1:9", timeout=0.3)) as instance:
        hyinfo(instance, "text")
    assert time.monotonic() - before < 10


def test_what_cannot_begin_leaves_no_thread_behind(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even of what could begin."""
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "-1")
    before = threading.active_count()
    with pytest.raises(PluginFailedError, match="max_queue_size must be a positive integer"):
        create(OtelCreateInfoEXT(collector.endpoint))
    assert threading.active_count() == before


def test_without_the_library_it_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that installs it; the class and its configuration do without."""
    for name in [*sys.modules]:
        if name.startswith(("opentelemetry", "hypi.ext.otel._sending", "hypi.ext.otel._phases")):
            monkeypatch.delitem(sys.modules, name)
    for name in ("_sending", "_phases"):
        monkeypatch.delattr(f"hypi.ext.otel.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(PluginFailedError) as caught:
        create()
    assert isinstance(caught.value.__cause__, MissingPackageError)
    assert str(caught.value.__cause__) == (
        "__EXT_hyperion_otel needs opentelemetry-sdk, with opentelemetry-exporter-otlp-proto-http, which is not "
        "installed: pip install 'hyperion-runtime[otel]'"
    )


def test_it_is_imported_by_who_enables_it() -> None:
    """Neither the class of the plugin nor its configuration needs it."""
    code = (
        "import sys; from hypi.ext.otel import OtelCreateInfoEXT; OtelCreateInfoEXT(); "
        "sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-I", "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"endpoint": "localhost:4318"}, 'an address is needed, such as "http://localhost:4318"'),
        ({"endpoint": "http://:4318"}, 'an address is needed, such as "http://localhost:4318"'),
        ({"endpoint": ""}, 'an address is needed, such as "http://localhost:4318"'),
        ({"level": "LOUD"}, "a level is one of TRACE, DEBUG, INFO, WARN, ERROR"),
        ({"timeout": 0}, "greater than 0"),
        (
            {"tracer_provider": "mine"},
            "a tracer provider of OpenTelemetry is needed, an object with get_tracer",
        ),
        ({"logger_provider": 3}, "a logger provider of OpenTelemetry is needed, an object with get_logger"),
        ({"headers": {"key": 3}}, "valid string"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_misuse_is_told(arguments: dict[str, Any], text: str) -> None:
    """With what is expected."""
    with pytest.raises(ValueError, match=text):
        OtelCreateInfoEXT(**arguments)


def test_headers_are_not_shown() -> None:
    """They may be secret."""
    assert "secret" not in repr(OtelCreateInfoEXT(headers={"key": "secret"}))
    with pytest.raises(ValueError) as caught:
        OtelCreateInfoEXT(headers={"key": ["secret"]})  # type: ignore[dict-item]
    assert "secret" not in str(caught.value)
    assert InstanceEXT.OTEL == OTEL
