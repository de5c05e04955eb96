/**
 * store/text-pdf - the words of a PDF document, page by page. The only one who knows unpdf (pdf.js made for servers).
 *
 * Bounded in pages, characters and time between pages; what a page itself may take is the process's to bound
 * (store/text-process). Lines of a page are put together by a space: they are the layout's, not the author's.
 */

const mostPages = 1_000;
/** After so long no further page is begun. */
const milliseconds = 8_000;

type Document = Awaited<ReturnType<typeof import('unpdf').getDocumentProxy>>;

/** `cut`: not all of it could be read. Never throws. */
export async function pdfText(
  octets: Uint8Array,
  characters: number,
): Promise<{ readonly text: string; readonly cut: boolean }> {
  const until = performance.now() + milliseconds;
  const pages: string[] = [];
  let room = characters;
  let cut = false;
  let document: Document | undefined;
  try {
    // Large, and only now and then needed.
    const { getDocumentProxy } = await import('unpdf');
    // pdf.js takes the memory it is given for its own.
    document = await getDocumentProxy(Uint8Array.from(octets), { verbosity: 0, stopAtErrors: false });
    for (let number = 1; number <= document.numPages; number++) {
      if (number > mostPages || room <= 0 || performance.now() > until) throw new Error('enough');
      const text = await pageText(document, number);
      room -= text.length;
      pages.push(text);
    }
  } catch {
    cut = true;
  } finally {
    await document?.loadingTask.destroy().catch(() => undefined);
  }
  return { text: pages.join('\n'), cut };
}

async function pageText(document: Document, number: number): Promise<string> {
  const page = await document.getPage(number);
  const { items } = await page.getTextContent();
  page.cleanup();
  const words = items.map((item) => ('str' in item ? item.str + (item.hasEOL ? ' ' : '') : ''));
  return words.join('').replace(/ {2,}/g, ' ').trim();
}
