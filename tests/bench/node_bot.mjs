// The menu scenario as a bot in Node.js would have it: node:http in, undici out, JSON parsed and made, no token checked, no
// journal. node_bot.mjs PORT GRAPH_PORT
import http from "node:http";
import { createRequire } from "node:module";

const { Pool } = createRequire(process.env.NODE_PATH + "/")("undici");
const [port, graphPort] = process.argv.slice(2);
const graph = new Pool(`http://127.0.0.1:${graphPort}`, { connections: 256, pipelining: 1 });
const authorization = "Bearer " + "x".repeat(1200);
const calls = new Map();

async function request(id, method, fields) {
    const { statusCode, body } = await graph.request({
        method: "POST",
        path: `/v1.0/communications/calls/${id}/${method}`,
        headers: { authorization, "content-type": "application/json", "client-request-id": id, "scenario-id": id },
        body: JSON.stringify(fields),
    });
    const text = await body.text();
    if (statusCode >= 300) {
        throw new Error(`${method}: ${statusCode} ${text}`);
    }
    return text ? JSON.parse(text) : null;
}

function play(id, prompt) {
    return request(id, "playPrompt", {
        clientContext: `${id}-${prompt}`,
        prompts: [{
            "@odata.type": "#microsoft.graph.mediaPrompt",
            mediaInfo: {
                "@odata.type": "#microsoft.graph.mediaInfo",
                uri: `http://127.0.0.1:${port}/prompts/${prompt}.wav`,
                resourceId: prompt,
            },
        }],
    });
}

async function take({ changeType, resourceUrl, resourceData }) {
    const id = resourceUrl.split("/calls/")[1].slice(0, 36);
    let call = calls.get(id);
    if (changeType === "created") {
        calls.set(id, { stage: "offered" });
        await request(id, "answer", {
            callbackUri: `http://127.0.0.1:${port}/api/calls`,
            mediaConfig: { "@odata.type": "#microsoft.graph.serviceHostedMediaConfig" },
            acceptedModalities: ["audio"],
        });
    } else if (!call) {
        return;
    } else if (resourceUrl.includes("/operations/")) {
        if (call.stage === "menu") {
            call.stage = "asked";
        } else if (call.stage === "connecting") {
            await request(id, "transfer", { transferTarget: { identity: { phone: { id: "+14255550100" } } } });
        }
    } else if (changeType === "deleted") {
        calls.delete(id);
    } else if (resourceData.toneInfo && call.stage === "asked") {
        call.stage = "connecting";
        await play(id, "connecting");
    } else if (resourceData.state === "established" && call.stage === "offered") {
        call.stage = "menu";
        await request(id, "subscribeToTone", {});
        await play(id, "main-menu");
    }
}

http.createServer((req, res) => {
    let body = "";
    req.setEncoding("utf8");
    req.on("data", (piece) => { body += piece; });
    req.on("end", () => {
        res.writeHead(202, { "content-length": 0 }).end();
        for (const one of JSON.parse(body).value) {
            take(one);
        }
    });
}).listen({ port: Number(port), host: "127.0.0.1", backlog: 4096 });
