// The picture: positions come from the server, this shows and pans them. Everything it says, the list says too.
import "./graph.css";
import {
  type Node,
  type NodeProps,
  Panel,
  ReactFlow,
  ReactFlowProvider,
  useReactFlow,
  useStore,
  ViewportPortal,
} from "@xyflow/react";
import { memo, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { plain } from "../lib/hostile";
import { stateWord } from "../lib/states";
import type { Graph, GraphNode } from "../lib/wire";
import { Glyph } from "../ui/Glyph";
import type { GlyphName } from "../ui/Sprite";
import { Text } from "../ui/Text";
import { isFrame, lines, type NodeView, neighbour } from "./model";
import { useView, Views, ViewsContext } from "./store";

type StepNode = Node<{ node: GraphNode; frame: boolean }, "step">;

const KIND: Record<string, GlyphName> = {
  action: "i-process",
  if: "i-filter",
  for_each: "i-group",
  parallel: "i-group",
  wait: "i-clock",
  question: "i-help",
  approval: "i-approvals",
  set: "i-pin",
  fail: "i-close",
  return: "i-right",
  switch: "i-filter",
  while: "i-retry",
  try: "i-group",
  undo: "i-undo",
  transform: "i-process",
  call: "i-playbooks",
  start: "i-alerts",
  alert: "i-alerts",
  trigger: "i-alerts",
};

const Step = memo(function Step({ data }: NodeProps<StepNode>) {
  const { node, frame } = data;
  const { view, selected } = useView(node.path);
  if (frame)
    return (
      <div className="lane-frame">
        {node.label && (
          <span className="lane">
            <Text>{node.label}</Text>
          </span>
        )}
      </div>
    );
  const cls = [
    "node",
    view?.state ?? "",
    node.side_effect ? "acts-out" : "",
    selected ? "sel" : "",
    view?.counts ? "many" : "",
    view?.problem ? `has-${view.problem}` : "",
  ];
  return (
    <div
      className={cls.filter(Boolean).join(" ")}
      title={plain(
        `${node.label}${view?.state ? `, ${stateWord(view.state)}` : ""}${view?.meta ? `, ${view.meta}` : ""}`,
      )}
    >
      <Glyph name={view?.state ? `s-${view.state}` : (KIND[node.kind] ?? "i-process")} className={view?.state ?? ""} />
      <b>
        <Text>{node.label}</Text>
      </b>
      {view?.counts ? (
        <span className="fan">
          {view.counts.map((c) => (
            <em key={c.state}>
              <Glyph name={`s-${c.state}`} className={`s ${c.state}`} />
              {c.n}
            </em>
          ))}
        </span>
      ) : (
        <span>
          <Text>{view?.meta || node.action || ""}</Text>
        </span>
      )}
      {view?.problem && (
        <Glyph
          name={view.problem === "error" ? "s-failed" : "s-waiting"}
          className={`badge ${view.problem === "error" ? "failed" : "waiting"}`}
        />
      )}
    </div>
  );
});

const nodeTypes = { step: Step };
const FAR = 0.45; // below this zoom a step becomes a large glyph and a name

type Props = {
  graph: Graph;
  views: ReadonlyMap<string, NodeView>;
  selected: string | undefined;
  onSelect: (path: string) => void;
  /** The node the picture opens on. */
  centre: string | undefined;
  /** May shrink to be seen whole; a run keeps its scale and opens on the step that matters. */
  shrink?: boolean;
  label: string;
};

export function Canvas(props: Props) {
  return (
    <ReactFlowProvider>
      <Inside {...props} />
    </ReactFlowProvider>
  );
}

function Inside({ graph, views, selected, onSelect, centre, label, shrink = false }: Props) {
  const [store] = useState(() => {
    const first = new Views();
    first.set(views);
    return first;
  });
  useLayoutEffect(() => store.set(views), [store, views]);
  useEffect(() => store.select(selected ?? ""), [store, selected]);
  const nodes = useMemo<StepNode[]>(
    () =>
      graph.nodes
        .map((n) => ({ n, frame: isFrame(n, graph.nodes) }))
        .sort((x, y) => Number(y.frame) - Number(x.frame))
        .map(({ n, frame }) => ({
          id: n.path,
          type: "step",
          position: { x: n.x, y: n.y },
          width: n.w,
          height: n.h,
          zIndex: frame ? 0 : 1,
          draggable: false,
          selectable: false,
          focusable: false,
          data: { node: n, frame },
        })),
    [graph],
  );
  const box = useRef<HTMLDivElement>(null);
  const at = graph.nodes.find((n) => n.path === selected);
  const said = at
    ? `${plain(at.label)}, ${store.view(at.path)?.state ? stateWord(store.view(at.path)?.state ?? "not-started") : at.kind}`
    : "";
  return (
    <ViewsContext value={store}>
      <div
        className="graph"
        ref={box}
        tabIndex={0}
        role="group"
        aria-label={`${label}: ${graph.nodes.length} steps. Arrow keys move; the list says the same.`}
        onKeyDown={(e) => {
          if (!e.key.startsWith("Arrow")) return;
          const next = neighbour(graph, selected, e.key);
          if (!next) return;
          e.preventDefault();
          onSelect(next);
        }}
      >
        <ReactFlow
          nodes={nodes}
          nodeTypes={nodeTypes}
          onNodeClick={(_e, n) => !(n as StepNode).data.frame && onSelect(n.id)}
          minZoom={0.08}
          maxZoom={1.6}
          nodesDraggable={false}
          nodesConnectable={false}
          nodesFocusable={false}
          elementsSelectable={false}
          disableKeyboardA11y
          onlyRenderVisibleElements={graph.nodes.length > 60}
          panOnScroll
          zoomOnDoubleClick={false}
          proOptions={{ hideAttribution: true }}
        >
          <Lines graph={graph} views={views} />
          <Opening graph={graph} centre={centre} selected={selected} shrink={shrink} />
          <Panel position="bottom-left" className="keyline">
            <i className="hatch" />
            changes other systems
          </Panel>
          <Zoom />
        </ReactFlow>
        <span className="hid" role="status">
          {said}
        </span>
      </div>
    </ViewsContext>
  );
}

function Lines({ graph, views }: { graph: Graph; views: ReadonlyMap<string, NodeView> }) {
  const l = useMemo(() => lines(graph, views), [graph, views]);
  return (
    <ViewportPortal>
      <svg className="edges" width={graph.width} height={graph.height} aria-hidden="true">
        <path className="never" d={l.paths.never} />
        <path className="todo" d={l.paths.todo} />
        <path d={l.paths.done} />
        <path className="tip" d={l.tips} />
      </svg>
      {l.labels.map((t) => (
        <span key={`${t.x} ${t.y} ${t.text}`} className="lane" style={{ left: t.x, top: t.y - 14 }}>
          <Text>{t.text}</Text>
        </span>
      ))}
    </ViewportPortal>
  );
}

/** Opens at its own scale, whole where it fits, else on the step that matters; keeps the selected one in sight. */
function Opening({
  graph,
  centre,
  selected,
  shrink,
}: {
  graph: Graph;
  centre: string | undefined;
  selected: string | undefined;
  shrink: boolean;
}) {
  const flow = useReactFlow();
  const width = useStore((s) => s.width);
  const height = useStore((s) => s.height);
  const opened = useRef("");
  useEffect(() => {
    const key = `${graph.width} ${graph.height} ${graph.nodes.length}`;
    if (!width || !height || opened.current === key) return;
    opened.current = key;
    const fits = graph.width + 28 <= width && graph.height + 60 <= height;
    const node = graph.nodes.find((n) => n.path === centre) ?? graph.nodes[0];
    if (fits)
      void flow.setViewport({
        x: Math.max(14, (width - graph.width) / 2),
        y: Math.max(20, (height - 34 - graph.height) / 2),
        zoom: 1,
      });
    else if (node) {
      const zoom = shrink
        ? Math.min(1, Math.max(0.72, Math.min((width - 28) / graph.width, (height - 60) / graph.height)))
        : 1;
      const clamp = (v: number, size: number, room: number, pad: number) =>
        size * zoom + 2 * pad <= room ? (room - size * zoom) / 2 : Math.min(pad, Math.max(room - size * zoom - pad, v));
      void flow.setViewport({
        x: clamp(width / 2 - (node.x + node.w / 2) * zoom, graph.width, width, 14),
        y: clamp(height / 2 - (node.y + node.h / 2) * zoom, graph.height, height - 34, 20),
        zoom,
      });
    }
  }, [graph, centre, width, height, flow, shrink]);
  useEffect(() => {
    const n = graph.nodes.find((x) => x.path === selected);
    if (!n || !width || opened.current === "") return;
    const { x, y, zoom } = flow.getViewport();
    const left = n.x * zoom + x;
    const top = n.y * zoom + y;
    if (left < 0 || top < 0 || left + n.w * zoom > width || top + n.h * zoom > height)
      void flow.setCenter(n.x + n.w / 2, n.y + n.h / 2, { zoom });
  }, [selected, graph, width, height, flow]);
  return null;
}

function Zoom() {
  const flow = useReactFlow();
  const far = useStore((s) => s.transform[2] < FAR);
  const pane = useStore((s) => s.domNode);
  useEffect(() => {
    pane?.classList.toggle("far", far);
  }, [pane, far]);
  return (
    <Panel position="bottom-right" className="zoom">
      <button type="button" aria-label="Smaller" onClick={() => void flow.zoomOut()}>
        <Glyph name="i-minus" className="s" />
      </button>
      <button
        type="button"
        aria-label="Show all of it"
        onClick={() => void flow.fitView({ padding: 0.06, maxZoom: 1 })}
      >
        <Glyph name="i-fit" className="s" />
      </button>
      <button type="button" aria-label="Larger" onClick={() => void flow.zoomIn()}>
        <Glyph name="i-plus" className="s" />
      </button>
    </Panel>
  );
}
