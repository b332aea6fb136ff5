import type { FastifyPluginAsync } from 'fastify';

/** Makes wires that write down their routes, like `GET /things/:thing`. */
export const noting =
  (routes: string[]) =>
  (wire: FastifyPluginAsync): FastifyPluginAsync =>
  async (app) => {
    app.addHook('onRoute', ({ method, url }) => void routes.push(...[method].flat().map((each) => `${each} ${url}`)));
    await app.register(wire);
  };
