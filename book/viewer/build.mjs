// Bundle the viewer and the slides: `node build.mjs` in a folder that holds src/, node_modules/ and course.json.
// NiiVue goes into a file of its own, which is fetched only when a viewer is opened. The slides' script is no module:
// a browser loads none from a folder on a lecturer's stick.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const common = { bundle: true, target: "es2022", minify: true, legalComments: "linked", logLevel: "warning", metafile: true };

const viewer = await build({
  ...common,
  entryPoints: ["src/viewer.js", "src/viewer.css"],
  outdir: "dist",
  splitting: true,
  format: "esm",
  alias: { course: "./course.json" },
  loader: { ".json": "json" },
  chunkNames: "[name]-[hash]",
  external: ["numcodecs/*"], // for Zarr stores, which a page has none of
});

const slides = await build({ ...common, entryPoints: ["src/slides.js", "src/slides.css"], outdir: "slides", format: "iife" });

// Whose work it is, with the licences as the packages carry them.
const notices = ({ inputs }) => {
  const names = Object.keys(inputs).map((path) => path.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1]);
  return [...new Set(names.filter(Boolean))].sort().map((name) => {
    const folder = `node_modules/${name}`;
    const { version, license, repository } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
    const text = readdirSync(folder).filter((file) => /^licen[cs]e/i.test(file)).map((file) => readFileSync(`${folder}/${file}`, "utf8"));
    return [`${name} ${version}, ${license}`, repository?.url ?? repository, ...text].filter(Boolean).join("\n\n");
  });
};
for (const [folder, what, { metafile }] of [["dist", "scan viewer", viewer], ["slides", "slides' script", slides]]) {
  writeFileSync(`${folder}/licences.txt`, `The ${what} contains these packages.\n\n${notices(metafile).join("\n\n-----\n\n")}\n`);
}
