"""Accessibility faults of a page, from the styles that the browser computes.

Contrast follows WCAG 2.2: 4.5 to 1, and 3 to 1 for large text (https://www.w3.org/TR/WCAG22/#contrast-minimum).
"""

from typing import Any

_FAULTS = r"""
() => {
  const faults = []
  const describe = element => `<${element.localName}> ${(element.textContent || '').trim().slice(0, 40)}`
  const parse = text => {
    const found = text.match(/rgba?\(([^)]*)\)/)
    if (!found) return null
    const [red, green, blue, alpha = 1] = found[1].split(/[ ,\/]+/).filter(Boolean).map(Number)
    return [red, green, blue, alpha]
  }
  const over = (above, below, alpha) => [0, 1, 2].map(i => above[i] * alpha + below[i] * (1 - alpha))
  const light = colour => {
    const [red, green, blue] = colour.map(value => {
      const share = value / 255
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  }
  // The canvas of CSS: the background of the page in its colour scheme.
  const canvas = () => {
    const probe = document.createElement('div')
    probe.style.background = 'Canvas'
    document.body.append(probe)
    const colour = parse(getComputedStyle(probe).backgroundColor)
    probe.remove()
    return colour
  }
  const paper = canvas()
  const behind = element => {
    const way = []
    for (let at = element; at; at = at.parentElement) way.unshift(at)
    let colour = paper.slice(0, 3)
    for (const at of way) {
      const own = parse(getComputedStyle(at).backgroundColor)
      if (own) colour = over(own, colour, own[3])
    }
    return colour
  }
  const opacity = element => {
    let product = 1
    for (let at = element; at; at = at.parentElement) product *= Number(getComputedStyle(at).opacity)
    return product
  }
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement
    if (!texts.currentNode.textContent.trim() || !element.checkVisibility({visibilityProperty: true})) continue
    if (['SCRIPT', 'STYLE', 'title', 'desc', 'OPTION'].includes(element.nodeName)) continue
    if (element.closest(':disabled')) continue
    const style = getComputedStyle(element), isDrawn = element instanceof SVGElement
    const own = parse(isDrawn ? style.fill : style.color)
    if (!own) continue
    const alpha = own[3] * (isDrawn ? Number(style.fillOpacity) : 1) * opacity(element)
    const back = behind(element), front = over(own, back, alpha)
    const [low, high] = [light(front), light(back)].sort((a, b) => a - b)
    const ratio = (high + 0.05) / (low + 0.05)
    const size = parseFloat(style.fontSize), isBold = Number(style.fontWeight) >= 700
    const least = size >= 24 || (isBold && size >= 18.66) ? 3 : 4.5
    if (ratio < least) faults.push(`contrast ${ratio.toFixed(2)}: ${describe(element)}`)
  }
  let before = 0
  for (const heading of document.querySelectorAll('h1, h2, h3, h4, h5, h6')) {
    if (!heading.checkVisibility()) continue
    const level = Number(heading.localName[1])
    if (level > before + 1) faults.push(`heading of level ${level} after ${before}: ${describe(heading)}`)
    before = level
  }
  const named = element =>
    element.getAttribute('aria-label')?.trim() || element.title?.trim?.() ||
    (element.getAttribute('aria-labelledby') || '').split(/\s+/).filter(Boolean)
      .map(id => document.getElementById(id)?.textContent.trim()).join('')
  for (const input of document.querySelectorAll('input:not([type=hidden]), select, textarea'))
    if (!named(input) && ![...input.labels].some(label => label.textContent.trim()))
      faults.push(`no label: ${input.outerHTML.slice(0, 80)}`)
  for (const button of document.querySelectorAll('button, a[href], summary'))
    if (!named(button) && !button.textContent.trim() && !button.querySelector('img[alt]:not([alt=""])'))
      faults.push(`no name: ${button.outerHTML.slice(0, 80)}`)
  for (const image of document.querySelectorAll('img:not([alt])'))
    faults.push(`no alt text: ${image.outerHTML.slice(0, 80)}`)
  for (const picture of document.querySelectorAll('[role=img]'))
    if (!named(picture)) faults.push(`no name: ${picture.outerHTML.slice(0, 80)}`)
  const ids = [...document.querySelectorAll('[id]')].map(element => element.id)
  for (const id of new Set(ids.filter((id, at) => ids.indexOf(id) !== at))) faults.push(`id ${id} is used twice`)
  if (!document.documentElement.lang) faults.push('the page does not say its language')
  if (!document.title.trim()) faults.push('the page has no title')
  return faults
}
"""


def accessibility_faults(page: Any) -> list[str]:
    """Find low contrast, skipped heading levels, and inputs and pictures without a name.

    Args:
        page: A page of Playwright.

    Returns:
        A line for each fault.
    """
    faults: list[str] = page.evaluate(_FAULTS)
    return faults
