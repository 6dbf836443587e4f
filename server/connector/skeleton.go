package connector

import "strings"

// New gives the text of a manifest to start from, sound as it is: what `tocsin
// integration new` writes.
func New(id string) string { return strings.ReplaceAll(skeleton, "ID", id) }

const skeleton = `id: ID
name: ID
category: generic            # edr, siem, ticketing, identity, mail, chat, network, intel, generic
version: "1"
docs: https://example.org/api
tested: documented           # server, published or documented; say in README.md how
connection:
  base_url: { required: true }
  auth:
    - { type: bearer, token: API token }
  rate: { per_second: 10, burst: 20 }
health: { action: status }
actions:
  status:
    title: Ask whether it answers
    impact: read
    request: { method: GET, path: /status }
    output:
      schema:
        type: object
        properties: { status: { type: string } }
    example: { output: { status: ok } }

  get_item:
    title: Look at an item
    impact: read
    input:
      type: object
      required: [id]
      properties:
        id: { type: string }
    request: { method: GET, path: "/items/${{ input.id }}" }
    output:
      schema:
        type: object
        required: [id, name]
        properties: { id: { type: string }, name: { type: string } }
      map: { id: "${{ body.id }}", name: "${{ body.name }}" }
    errors:
      - { when: "status == 400", kind: invalid_input, message: "${{ body.?error.orValue('refused') }}" }
    example:
      input: { id: i-1 }
      output: { id: i-1, name: an item }
`
