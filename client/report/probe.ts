import * as echarts from 'echarts/core';
import { BarChart, ScatterChart } from 'echarts/charts';
import { CalendarComponent, GridComponent, LegendComponent } from 'echarts/components';
import { SVGRenderer } from 'echarts/renderers';
echarts.use([BarChart, ScatterChart, CalendarComponent, GridComponent, LegendComponent, SVGRenderer]);
const c = echarts.init(null, null, { renderer: 'svg', ssr: true, width: 400, height: 200 });
c.setOption({ animation: false, xAxis: { type: 'category', data: ['<script>alert(1)</script>', '"a" & b'] }, yAxis: {}, series: [{ type: 'bar', name: '<b>', data: [1, 2], itemStyle:{decal:{symbol:'rect',dashArrayX:[1,0],dashArrayY:[2,4],rotation:-0.7}} }] });
console.log(c.renderToSVGString());
console.log(performance.now());
