/** A refusal in ERPLY's envelope, which it sends at HTTP 200 (learn-api.erply.com, Error handling). */
export const erplyError = (request: string, errorCode: number): object => ({
  status: {
    request,
    responseStatus: "error",
    errorCode,
    errorField: null,
    generationTime: 0,
    recordsTotal: 0,
    recordsInResponse: 0,
  },
  records: [],
});
