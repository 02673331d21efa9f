// Headless Chromium for the tests. CHROMIUM names another executable than Debian's.

import { chromium } from "playwright-core";

/** Opens a page and hands it to `use`; what the page logs as an error goes to stderr. */
export async function withPage(url, use) {
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  const browser = await chromium.launch({ executablePath, chromiumSandbox: false });
  try {
    const page = await browser.newPage();
    page.on("pageerror", (error) => console.error(`page: ${error.message}`));
    page.on("console", (message) => message.type() === "error" && console.error(`page: ${message.text()}`));
    await page.goto(url);
    return await use(page, browser.version());
  } finally {
    await browser.close();
  }
}
