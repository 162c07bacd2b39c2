"""A real browser for the console: Chromium without a window, driven over its own protocol."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from tests.console.fake_api import FakeApi, samples
from tests.support import tools
from tests.support.rig import picture

FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars --lang=en"
)
#: What every page gets before its own scripts: whatever a hostile value would do is written down.
WATCH = """
window.fired = [];
window.alert = (text) => window.fired.push(`alert ${text}`);
document.addEventListener("securitypolicyviolation", (event) =>
  window.fired.push(`${event.violatedDirective} ${event.blockedURI}`));
addEventListener("error", (event) => window.fired.push(`error ${event.message}`));
addEventListener("unhandledrejection", (event) => window.fired.push(`rejection ${event.reason}`));
"""


#: The first element that is shown and holds a text.
SHOWN = """
const [selector, text] = arguments;
const holds = (one) => (one.innerText ?? one.textContent).includes(text);
return [...document.querySelectorAll(selector)].find((one) => one.checkVisibility() && holds(one));
"""
READ = f"return (function () {{ {SHOWN} }}).apply(null, arguments)?.innerText"
DROP = """
const [name, content] = arguments;
const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
const data = new DataTransfer();
data.items.add(new File([bytes], name, { type: "image/png" }));
const target = document.querySelector("main");
for (const kind of ["dragenter", "dragover", "drop"])
  target.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
"""


class Browser:
    """One page of Chromium, with what the tests ask of it."""

    def __init__(self, driver: Any, downloads: Path) -> None:
        self.driver = driver
        self.downloads = downloads
        self.base = ""

    def open(self, address: str = "", ready: str = "main h1") -> None:
        """Open a place of the console, afresh, and wait for what ``ready`` selects."""
        self.driver.get("about:blank")
        self.driver.get(f"{self.base}/console/{address}")
        self.see(ready)

    def go(self, address: str, ready: str = "main h1") -> None:
        """Go to another place of the console that is open, as a link would."""
        self.js("document.querySelector('main').firstElementChild.id = 'left'; location.hash = arguments[0]", address)
        self.wait(lambda: not self.all("#left"), "another view")
        self.see(ready)

    def js(self, script: str, *values: Any) -> Any:
        return self.driver.execute_script(script, *values)

    def module(self, script: str) -> Any:
        """Return what an async function body returns; ``load(file)`` imports one of the console's modules."""
        wrapped = f"""const done = arguments[arguments.length - 1];
            const load = (file) => import(`/console/${{file}}`);
            (async () => {{ {script} }})().then(done, (error) => done(`failed: ${{error}}`));"""
        return self.driver.execute_async_script(wrapped)

    def wait(self, asked: Callable[[], Any], what: str = "that", seconds: float = 8.0) -> Any:
        from selenium.common.exceptions import StaleElementReferenceException
        from selenium.webdriver.support.wait import WebDriverWait

        waiting = WebDriverWait(self.driver, seconds, 0.05, [StaleElementReferenceException])
        return waiting.until(lambda _: asked(), f"{what}\n{self.text()[:1500]}")

    def all(self, selector: str) -> list[Any]:
        return list(self.driver.find_elements("css selector", selector))

    def see(self, selector: str, text: str = "", seconds: float = 8.0) -> Any:
        """Wait for an element that is shown and holds ``text``; return it."""
        return self.wait(lambda: self.js(SHOWN, selector, text), f"no {selector} with {text!r}", seconds)

    def click(self, selector: str, text: str = "") -> None:
        def clicked() -> bool:
            found = self.js(SHOWN, selector, text)
            if found is not None:
                found.click()
            return found is not None

        self.wait(clicked, f"no {selector} with {text!r} to click")

    def read(self, selector: str, text: str = "") -> str:
        """Wait as ``see`` does, and return what the element says; it may be drawn anew at any moment."""
        return str(self.wait(lambda: self.js(READ, selector, text), f"no {selector} with {text!r}"))

    def text(self) -> str:
        return str(self.js("return document.body ? document.body.innerText : ''"))

    def press(self, *keys: str) -> None:
        from selenium.webdriver.common.action_chains import ActionChains

        chain = ActionChains(self.driver, duration=0)
        for key in keys:
            chain.send_keys(key)
        chain.perform()

    def hold(self, held: str, key: str) -> None:
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.driver, duration=0).key_down(held).send_keys(key).key_up(held).perform()

    def focused(self) -> Any:
        return self.driver.switch_to.active_element

    def said(self) -> str:
        """Return all that is said of what has the focus."""
        return str(self.js("return document.activeElement.textContent"))

    def size(self, width: int, height: int) -> None:
        sizes = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", sizes)

    def scheme(self, scheme: str) -> None:
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})

    def complaints(self) -> list[str]:
        """Return what the browser itself complained of since the last time: errors, refused content."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    from selenium import webdriver

    program = tools.program("chromium", "chromium-browser", "google-chrome")
    driver_program = tools.program("chromedriver")
    if not program or not driver_program:
        pytest.skip(tools.missing("Chromium with its chromedriver"))
    downloads = tmp_path_factory.mktemp("downloads")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in [*FLAGS.split(), f"--user-data-dir={tmp_path_factory.mktemp('profile')}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver_program))
    driver.set_script_timeout(20)
    driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH})
    allowed = {"behavior": "allow", "downloadPath": str(downloads)}
    driver.execute_cdp_cmd("Browser.setDownloadBehavior", allowed)
    yield Browser(driver, downloads)
    driver.quit()


@pytest.fixture(scope="session")
def served() -> Iterator[FakeApi]:
    started = FakeApi()
    yield started
    started.close()


@pytest.fixture
def api(chromium: Browser, served: FakeApi) -> FakeApi:
    """The API with its sample documents, filled once no page asks it for anything any more."""
    chromium.driver.get("about:blank")
    served.fill(samples(datetime.now(timezone.utc)))
    return served


@pytest.fixture
def browser(chromium: Browser, api: FakeApi) -> Browser:
    """Chromium before the console: nothing remembered, light, wide."""
    chromium.base = api.url
    storage = {"origin": api.url, "storageTypes": "local_storage"}
    chromium.driver.execute_cdp_cmd("Storage.clearDataForOrigin", storage)
    chromium.size(1280, 900)
    chromium.scheme("light")
    chromium.complaints()
    return chromium


def drop(console: Browser, name: str) -> None:
    """Drop a picture for the operation passport, and wait until it was read."""
    console.open()
    console.see("#upload-operation")
    console.js(
        "const s = document.getElementById('upload-operation'); s.value = 'passport';"
        "s.dispatchEvent(new Event('change', { bubbles: true }))"
    )
    console.js(DROP, name, base64.b64encode(picture(400, 280)).decode())
    console.see(".upload .badge", "done", seconds=40)
