#!/usr/bin/env python3
"""Opens reports in a real browser and uses them: report.py [--shots DIR] REPORT.html…

Exit code 0 with a line where no browser is found: nothing can be said then.
"""

import os
import sys

from browser import Browser, program

PHONE, DESK = (360, 740), (1440, 1000)


def check(what, holds):
    if not holds:
        raise AssertionError(what)
    print(f"  ok: {what}")


def size(browser, width, height):
    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                 mobile=width < 500)


def read_out(browser):
    box = browser.run("""(() => { const plot = document.querySelector('.plot');
        plot.scrollIntoView({block: 'center', behavior: 'instant'});
        const box = plot.getBoundingClientRect();
        return [box.left, box.top, box.width, box.height]; })()""")
    x, y = box[0] + box[2] * 0.4, box[1] + box[3] / 2
    browser.mouse("mouseMoved", x, y)
    read = browser.run("document.querySelector('.read')?.innerText || ''")
    check(f"pointing at a figure reads its lines ({read.splitlines()[:2]})",
          any(letter.isdigit() for letter in read) and len(read.splitlines()) > 1)
    browser.mouse("mousePressed", x, y, True)
    browser.mouse("mouseMoved", x + box[2] * 0.2, y, True)
    browser.mouse("mouseReleased", x + box[2] * 0.2, y, True)
    view = "document.querySelector('.plot svg').getAttribute('viewBox')"
    check("dragging zooms", not browser.run(view).startswith("0 0 10000 ")
          and browser.run("document.querySelector('.reset')?.textContent") == "Show all")
    browser.run("document.querySelector('.plot').focus()")
    browser.key("Escape")
    check("Escape shows all again", browser.run(view) == "0 0 10000 10000")
    browser.key("ArrowRight")
    said = browser.run("document.querySelector('.live').textContent")
    check(f"arrow keys say the values ({said[:40]}…)", any(letter.isdigit() for letter in said))


def use(browser):
    hidden = """(() => { const button = document.querySelector('.legend button'); if (!button) return null; button.click();
        const off = document.querySelectorAll('path.off').length; button.click();
        return [off, document.querySelectorAll('path.off').length]; })()"""
    found = browser.run(hidden)
    if found:
        check("a name of a legend hides its line, and shows it again", found[0] > 0 and found[1] == 0)
    sort = """(() => { const head = [...document.querySelectorAll('th.n')].find(h =>
            h.closest('table').tBodies[0].rows.length > 2 && h.querySelector('button'));
        if (!head) return null;
        head.querySelector('button').click();
        const column = head.cellIndex;
        return [...head.closest('table').tBodies[0].rows].map(row => row.cells[column].textContent)
            .map(text => parseFloat((text.replaceAll(',', '').replace('−', '-').match(/-?\\d+(\\.\\d+)?/) || ['NaN'])[0]))
            .filter(number => !isNaN(number)); })()"""
    numbers = browser.run(sort)
    if numbers:
        check("a heading sorts its table", numbers == sorted(numbers))
    choose = """(() => { const button = document.querySelector('.filter button'); if (!button) return null;
        button.click();
        const hidden = [...document.querySelectorAll('[data-policy].off')].length;
        button.click(); return [hidden, document.querySelectorAll('[data-policy].off').length]; })()"""
    chosen = browser.run(choose)
    if chosen:
        check("a policy can be hidden everywhere", chosen[0] > 2 and chosen[1] == 0)


def look(browser, name, shots):
    wide = "document.scrollingElement.scrollWidth"
    size(browser, *PHONE)
    check("nothing is wider than a phone", browser.run(wide) <= PHONE[0])
    letters = """Math.min(...[...document.querySelectorAll('figure span, figure h4, td, p')]
        .filter(e => e.textContent && e.getClientRects().length).map(e => parseFloat(getComputedStyle(e).fontSize)))"""
    check("letters keep their size there", browser.run(letters) >= 12)
    if shots:
        browser.screenshot(f"{shots}/{name}-phone.png")
    size(browser, *DESK)
    if shots:
        browser.screenshot(f"{shots}/{name}-desk.png")
    paper = "getComputedStyle(document.body).backgroundColor"
    light = browser.run(paper)
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    check("dark follows the system", browser.run(paper) != light)
    if shots:
        browser.screenshot(f"{shots}/{name}-dark.png")
    browser.call("Emulation.setEmulatedMedia", media="print", features=[])
    check("print is on white, without buttons", browser.run(paper) == "rgb(255, 255, 255)"
          and browser.run("[...document.querySelectorAll('.filter, .reset, nav')].every(e => !e.getClientRects().length)"))
    browser.call("Emulation.setEmulatedMedia", media="", features=[])
    pdf = browser.call("Page.printToPDF", printBackground=True)["data"]
    check("it prints", len(pdf) > 20_000)
    if shots:
        import base64
        with open(f"{shots}/{name}.pdf", "wb") as file:
            file.write(base64.b64decode(pdf))


def tree(browser):
    nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
    role = lambda node: node.get("role", {}).get("value", "")
    named = lambda node: bool(node.get("name", {}).get("value", "").strip())
    for what in ["figure", "image", "button", "table", "region", "application"]:
        nameless = [n for n in nodes if role(n) == what and not n.get("ignored") and not named(n)]
        if what != "table":
            check(f"every {what} has a name", not nameless)
    check("figures are in the accessibility tree", any(role(node) == "figure" for node in nodes))


def without_script(browser, url):
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(url)
    seen = """(() => { const shown = e => e && e.getClientRects().length > 0;
        return [shown(document.querySelector('.findings li')), document.querySelectorAll('figure path, figure rect').length,
            shown(document.querySelector('table')), document.querySelectorAll('.xt span').length]; })()"""
    finding, paths, table, ticks = browser.run(seen)
    check("without JavaScript findings, figures and tables are there", finding and paths and table and ticks)
    browser.call("Emulation.setScriptExecutionDisabled", value=False)


def main():
    words = sys.argv[1:]
    shots = None
    if words[:1] == ["--shots"]:
        shots, words = words[1], words[2:]
        os.makedirs(shots, exist_ok=True)
    path = program()
    if path is None:
        print("skipped: no Chromium found; `apt-get install chromium` brings one")
        return
    for page in words:
        print(page)
        browser = Browser(path)
        try:
            url = "file://" + os.path.abspath(page)
            size(browser, *DESK)
            browser.open(url)
            # A page of bars and tables alone has nothing over an axis of time or values.
            if browser.run("document.querySelector('.plot') !== null"):
                read_out(browser)
            use(browser)
            tree(browser)
            name = os.path.basename(os.path.dirname(os.path.abspath(page)))
            look(browser, name, shots)
            check(f"no error, no request but the page itself {browser.trouble()}", not browser.trouble())
            without_script(browser, url)
        finally:
            browser.close()


if __name__ == "__main__":
    main()
