// Bundle the viewer: `node build.mjs` in a folder that holds src/, node_modules/ and course.json.
// NiiVue goes into a file of its own, which is fetched only when a viewer is opened.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const { metafile } = await build({
  entryPoints: ["src/viewer.js", "src/viewer.css"],
  outdir: "dist",
  bundle: true,
  splitting: true,
  format: "esm",
  target: "es2022",
  minify: true,
  legalComments: "linked",
  alias: { course: "./course.json" },
  loader: { ".json": "json" },
  chunkNames: "[name]-[hash]",
  logLevel: "warning",
  metafile: true,
  external: ["numcodecs/*"], // for Zarr stores, which a page has none of
});

// Whose work it is, with the licences as the packages carry them.
const names = Object.keys(metafile.inputs).map((path) => path.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1]);
const notices = [...new Set(names.filter(Boolean))].sort().map((name) => {
  const folder = `node_modules/${name}`;
  const { version, license, repository } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
  const text = readdirSync(folder).filter((file) => /^licen[cs]e/i.test(file)).map((file) => readFileSync(`${folder}/${file}`, "utf8"));
  return [`${name} ${version}, ${license}`, repository?.url ?? repository, ...text].filter(Boolean).join("\n\n");
});
writeFileSync("dist/licences.txt", `The scan viewer contains these packages.\n\n${notices.join("\n\n-----\n\n")}\n`);
