/** What every CDKTF app costs: one stack with nothing in it. */
import { App, TerraformStack } from "cdktf";

const app = new App();
new TerraformStack(app, "empty");
app.synth();
